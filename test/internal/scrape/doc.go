// Package scrape reads Prometheus metrics from the pods of a fleet, and adds
// them up as a query would.
package scrape
