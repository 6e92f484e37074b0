package point

// RequestsDone is what the sensor's probe is attached to. It fills registers with what
// they are to hold: see probe.Call. Without a probe it costs a few nanoseconds.
//
//go:noescape
func RequestsDone(registers *[12]uint64)

// entry returns the address of RequestsDone's body, and not of the wrapper that
// a function value would point to.
func entry() uintptr
