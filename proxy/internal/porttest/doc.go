// Package porttest hands out ports to tests that have to know one before who listens
// on it does: of the proxy's listeners, and of backends that nobody is. It knows
// nothing of what they are for.
package porttest
