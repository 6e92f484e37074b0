// Package atonce turns calls that need not wait for each other into their errors, several
// of them at the same time. A panic of one is an error of that one: nobody else looks after
// its goroutine, and the process has other Gateways.
package atonce
