// Package status turns a Graph, and what was observed of the fleet that runs
// it, into the status that the objects are to have.
//
// Build says what we want to say; the Merge functions bring that into the
// status that an object has, leave alone what others have written there, and
// tell whether anything is left to write. Both are pure: nothing here reads a
// clock or calls the API server.
package status
