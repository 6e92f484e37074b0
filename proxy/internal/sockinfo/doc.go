// Package sockinfo asks the kernel how a connection fares: its round-trip time
// and what was sent again, and where a sensor answers, how long it waited to be
// accepted or to be connected. That takes two system calls, and no capability.
package sockinfo
