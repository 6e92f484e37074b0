// Package bpf holds the sensor's eBPF programs, compiled: programs/*.bpf.c and
// headers/*.h become objects for each architecture and Go code that embeds
// them. Building Go needs no C compiler; go generate does, and a clean tree
// afterwards shows that the objects are those of the sources.
//
// The package loads nothing by itself: bpf/internal/load does.
package bpf
