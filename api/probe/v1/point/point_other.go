//go:build !amd64

package point

// RequestsDone does nothing on this architecture: a trap costs too much without
// a nop that the kernel can replace.
func RequestsDone(registers *[12]uint64) {}

func entry() uintptr { return 0 }
