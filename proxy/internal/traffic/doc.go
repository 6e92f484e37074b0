// Package traffic holds the record of one finished request that the engine
// hands to its observers: metrics, access log and probe. It knows of none of
// them.
package traffic
