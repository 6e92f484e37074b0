// Package scraping says which Prometheus selects a fleet's ServiceMonitor, and which
// labels it takes where none does.
//
// Its functions are pure, and know of Prometheus objects what these say of
// ServiceMonitors, and nothing else.
package scraping
