// Command echo is the backend of samples and tests: an HTTP server that
// answers each request with what it saw of it, as JSON, together with its own
// name and version, so that a client can tell which backend served it through
// which route.
//
// Beside that it can be told to misbehave: /slow waits, /status answers with a
// code, /size answers with a body of a given length. On SIGTERM it turns
// unready first, keeps serving while endpoints are withdrawn, asks its clients
// to leave, and then stops.
//
// It uses the standard library only and builds into one static binary.
package main
