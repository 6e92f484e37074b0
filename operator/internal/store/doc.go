// Package store finds the objects that belong to one Gateway, and the Gateways
// that one object belongs to.
//
// Collect goes from a Gateway to its Resources; GatewaysFor goes the other way,
// from an object that changed to the Gateways that must be looked at again.
// Both read through indexes, so that the cost of a change depends on the
// Gateways that it touches and not on what else is in the cluster. The indexes
// are plain functions of one object, registered with IndexFields or used as a
// table by a reader that keeps objects elsewhere.
//
// The package reads only. It judges nothing: a reference that no grant allows,
// or a route that no listener takes, is collected all the same, and it is the
// graph that says what is wrong with it.
package store
