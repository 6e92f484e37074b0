// Package table shows what local mode runs: the Gateways with their address
// and state, below them what is wrong where, and below that where the metrics
// are. It shows the same facts as a live table in a terminal, as plain text
// that is printed when something has changed, or as one JSON document a line.
//
// Text is a pure function of the facts. The package knows nothing of where they
// come from.
package table
