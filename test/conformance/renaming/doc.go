// Package renaming gives the objects of the conformance suite other names and
// namespaces than those it knows them by, so that a run shows that nothing in
// Fleetgate goes by them.
//
// It sits between the suite and the API server: what the suite sends is renamed,
// what it reads is named back. The suite itself runs unchanged.
package renaming
