// Command control measures the control plane as gateway-api-bench does, on a
// real Kubernetes that is started on this machine, and writes what it found to
// docs/benchmarks/control-plane.md beside the bars and the peers' published
// figures.
//
// Each section makes namespaces, Gateways and routes of its own and takes them
// away again. A section that was not measured keeps its place and its figures in
// the document, with the date, commit and command that they are of.
package main
