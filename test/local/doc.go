// Package local runs the shipped operator and proxy on this machine, without
// Kubernetes, and breaks what they are given while they serve: every mistake
// gets its reason and its own bad answer, and nothing beside it notices.
package local
