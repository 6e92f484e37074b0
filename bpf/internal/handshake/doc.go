// Package handshake is the sensor's end of the socket that it shares with the
// proxy: it takes the proxy's greeting with its descriptors, answers with the
// mode, and from then on takes the tables that put names to numbers.
//
// The proxy faces the internet, so nothing that comes from it is trusted: what
// is malformed, too much or too late ends the conversation and nothing else. A
// new greeting takes the place of the conversation before it: the proxy has
// been restarted.
package handshake
