// Package rollout has the pods of fleets replaced Gateway by Gateway, where it is the
// operator or a class that wants them replaced: a new image that does not work is to
// be met by one tenant and not by all.
//
// A fleet whose pods are to be replaced waits for its turn. The first turn is alone;
// once it has ended well, a few fleets have theirs at a time. Where the new pods of
// three fleets do not become available, all others keep what they have until they do,
// or until these get pods that do. What a Gateway's own parameters change waits for nobody, and neither
// does a fleet of which nothing serves.
//
// The state is in the annotations of the workloads, so that it outlives the operator.
package rollout
