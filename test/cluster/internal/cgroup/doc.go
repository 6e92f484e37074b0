// Package cgroup keeps all of the cluster's processes below one cgroup of its
// own in every hierarchy, which `down` can find and remove.
//
// Machines differ: most have the unified hierarchy (v2) alone, some the
// controllers in hierarchies of their own (v1) with an empty v2 beside them
// (hybrid). A Hierarchy is one of these, as /proc/self/cgroup lists them.
package cgroup
