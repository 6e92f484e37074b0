// Package collect turns the numbers of the eBPF maps, or of what stands in for
// them, into Prometheus metrics, with the labels that the proxy has told.
//
// The maps count everything by identifier. Each look at them adds what is new to a
// ledger, which tells it by name: the busiest routes, backends and listeners by
// their own as far as there is room for series, the others together. What is told
// never goes back, whatever is cleared in the maps, and whoever gets or loses a name:
//
//	maps ─ difference from the look before ─▶ ledger: a book of accounts per kind ─▶ scrape
//
// Only the maps of outcomes and of connections are read as a whole; of all else what the
// outcomes say has changed.
//
// How the numbers came about is not known here; a metric says it, as it was told.
package collect
