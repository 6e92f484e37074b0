// Package collect turns the numbers of the eBPF maps, or of what stands in for
// them, into Prometheus metrics, with the labels that the proxy has told.
//
// Nothing is kept between scrapes: each reads the maps once. How the numbers
// came about is not known here; a metric says it, as it was told.
package collect
