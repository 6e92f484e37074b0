// Package perf counts system calls and samples where CPU time goes by the
// kernel's perf events (perf_event_open(2)), without a tool and without touching
// the processes that are observed.
//
// It knows nothing of proxies. It needs root, and for system calls a mounted
// tracefs.
package perf
