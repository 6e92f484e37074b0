// Package writes looks at what a process asks the API server to change, on its way there.
//
// It counts these requests, and refuses them to a process that may have lost its lease:
// one that was paused for longer than that lasts goes on where it stood, with what it
// knew then, and another has been at work meanwhile. What it would write for the moments
// until it notices would be of the past.
package writes
