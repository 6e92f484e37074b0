// Package wire speaks HTTP/2 frame by frame: it turns frames that a test writes
// into bytes without asking whether they are allowed, and what comes back into
// an Outcome per stream.
//
// It knows nothing of requests that make sense: a client library would refuse
// to send most of what is sent here.
package wire
