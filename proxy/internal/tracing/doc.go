// Package tracing is what distributed tracing is to the engine: the fields by
// which requests belong to traces (W3C Trace Context), the decision which of them
// are recorded, and the record of one. It knows of no collector and does no I/O.
package tracing
