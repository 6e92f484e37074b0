// Package install keeps two installs of the operator from working on the same classes.
//
// Replicas of one install compete for a lease in its namespace. Two installs, as after an
// upgrade into another namespace that has left the old one behind, have a lease each and
// would both lead: each would apply its own settings over the other's, and say its own in
// every status, for ever. So an install writes its name into the GatewayClasses of its
// controller, which no tenant can write, before it writes anything else. Where the name of
// another one is there already, it stands back: it writes nothing and is not ready.
//
// It takes over once the other one is gone: when its namespace is, when its lease was given
// back and nobody has taken it, or when nobody has renewed that for a minute. The lease is
// looked for in the namespace that the classes name and nowhere else, so that one which a
// tenant makes in a namespace of his own means nothing.
package install
