// Package shared makes the memory in which the proxy counts where no probe can
// be attached, and reads it. It needs no capability.
package shared
