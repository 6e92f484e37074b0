// Package peer starts backends of other makers, all of which answer a request
// with how they understood it (recorder.Understood): nginx, HAProxy, Apache and
// h2o by passing it on to a recording backend, which tells what came out of them;
// Node, Python and Go by themselves.
package peer
