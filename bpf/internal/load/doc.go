// Package load turns the compiled eBPF programs into loaded ones, attaches
// them and reads and clears their maps. Which hooks a kernel and a set of
// capabilities allow cannot be told in advance, so each is tried for real.
//
// It knows neither labels nor metrics, and decides nothing: which executable,
// which cgroup and which place in the code is its callers' choice.
package load
