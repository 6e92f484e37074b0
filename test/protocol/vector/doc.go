// Package vector holds requests, byte by byte, with what must become of each in
// a proxy that leaves nothing for two recipients to read in two ways: it is
// refused before a backend hears of it, or reaches the backend in a form that is
// stated here.
//
// The verdicts follow RFC 9110, 9112 and 3986. Where those leave the choice, the
// strict one is taken, and the table says so.
package vector
