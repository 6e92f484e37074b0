// Package local runs Fleetgate without Kubernetes: Gateway API objects come
// from a folder of YAML files that is watched, and each Gateway's proxy is a
// child process.
//
// It replaces the two ends of the way of the data and nothing between them.
// Package folder stands for the API server and package fleet for provisioning;
// collecting, validating, rendering and the status are done by the packages
// that do it in a cluster:
//
//	folder ─► view ─► store ─► graph ─► render ─► fleet
//	                             └► status ◄──────┘ └► table
//
// Everything is derived anew at each change. A folder holds few objects, and
// what has not changed is recognized by its hash and left alone.
package local
