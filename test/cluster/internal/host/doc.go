// Package host starts and ends the cluster, and leads into it, from the
// outside: it owns the folders, the named network namespace, the cgroups and
// the init process (package node).
//
// A cluster is up when the process in the init record lives. Everything else
// can be left over from a run that was killed, and is removed before the next
// start.
package host
