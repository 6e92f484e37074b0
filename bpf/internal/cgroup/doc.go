// Package cgroup finds the cgroup v2 directory whose sockets are the proxy's,
// and refuses every other one.
//
// Where containers see cgroup v2, the proxy hands over its own directory.
// Where they do not (nodes in hybrid mode), the node's hierarchy is mounted
// into the sensor, and the directory is looked for there by the pod's UID: the
// sensor never attaches to a directory that is not its own pod's. So is it by
// the agent of a node, which knows the UID from the API server.
package cgroup
