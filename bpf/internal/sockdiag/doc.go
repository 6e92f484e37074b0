// Package sockdiag asks the kernel for the TCP sockets of the process's network
// namespace (sock_diag(7)). It takes no capability.
package sockdiag
