package point

// RequestDone is what the sensor's probe is attached to. Its arguments are the
// registers of one record: see probe.Record for meta and extra; durations are
// in nanoseconds. Without a probe it costs a few nanoseconds.
func RequestDone(meta, durNs, upstreamNs, reqBytes, respBytes, extra uint64)

// entry returns the address of RequestDone's body, and not of the wrapper that
// a function value would point to.
func entry() uintptr
