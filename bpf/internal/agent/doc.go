// Package agent is what counts connections for sensors that have no capability:
// one process on each node, which loads the programs for each proxy pod of the
// node that asks for it and hands its sensor the numbers of that pod alone.
//
// Whoever connects is a stranger until the API server has said, of a token that
// is bound to a pod and of the agent's own audience, which pod it is of and
// that the pod is of this node. What is attached to is that pod's cgroup, found
// by the UID that the API server tells, and nothing that the sensor names
// beyond it. Programs and maps are those of one session, and go with it.
//
// What a pod can cost is bounded: one session each, the size of its maps and of
// its messages, how often it may ask, and how many strangers and reviews of
// tokens there are at a time.
package agent
