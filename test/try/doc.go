// Command try runs Fleetgate on this machine without Kubernetes, as "make try"
// does: it starts two backends and "fleetgate local" on the sample, says what to
// type, and stops everything on Ctrl-C.
//
// With -once nobody needs to watch: it works on a copy of the sample, waits
// until both Gateways are programmed, sends requests, edits a route, breaks a
// file, mends it, and stops, checking at each step what a user would expect. It
// ends with status 0 if all of it was so.
package main
