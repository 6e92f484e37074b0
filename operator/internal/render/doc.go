// Package render turns a Graph into what its proxies read: the Config of the
// file contract, and the data of the Secrets that the certificates travel in.
//
// Equal graphs give equal bytes. Invalid rules and references are rendered as
// such, so that they answer 500 instead of letting their requests fall through
// to something else; listeners that cannot be served are left out. The package
// judges nothing: what is valid was decided by the graph.
package render
