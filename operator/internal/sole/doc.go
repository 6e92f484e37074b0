// Package sole keeps two installs of the operator from working on the same Gateways.
//
// Replicas of one install compete for a lease in its namespace. Two installs, as after an
// upgrade into another namespace that has left the old one behind, have a lease each and
// would both lead: each would apply its own settings over the other's, and say its own in
// every status, for ever. So whoever is about to lead looks at the leases of that name in
// all namespaces. Where another one is held, for namespaces that both serve, it stands
// back: it writes nothing and is not ready, until the other one has ended.
//
// Whoever leads goes on to. Where two have begun at the same moment, the one with the
// younger lease gives it up.
package sole
