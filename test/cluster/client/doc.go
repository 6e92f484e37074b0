// Package client lets tests use the test cluster: its API, its network and
// its container images.
//
// The cluster's addresses exist in its own network namespace only. Everything
// here that opens a connection opens it in there, from an ordinary process
// outside: a socket stays in the namespace in which it was made.
//
// The cluster is started by `go run ./cluster up`; Connect does not start it.
package client
