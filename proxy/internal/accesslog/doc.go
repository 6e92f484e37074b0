// Package accesslog writes one line per finished request, off the request path.
//
// Each loop of the engine appends its lines to a buffer of its own; one
// goroutine takes the buffers and writes them. When writing does not keep up,
// lines are dropped and counted: a slow log never slows a request.
//
// The log may be turned on and off, and sampled, while it runs. A request that is not
// logged costs one atomic read.
//
// The query of a target, in which secrets are often found, is not part of a line
// unless it was chosen.
//
// What a client sent is escaped and cut, so that a line can neither be split
// nor faked, nor can it carry what a terminal would obey.
package accesslog
