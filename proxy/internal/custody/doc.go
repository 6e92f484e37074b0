// Package custody has listening sockets outlive the process that serves them: a Holder
// in a parent process keeps a copy of each, and gives them to the next process that
// serves. What a client sends meanwhile waits in the kernel's queue, where it would be
// refused otherwise.
//
// The two speak over a socket pair, in packets of a few bytes with the sockets beside
// them. The package does not know what is served, and starts no process.
package custody
