package probe

// Class divides the durations of a cell.
type Class uint8

// The classes: statuses from 200 to 299, and all others.
const (
	Class2xx Class = iota
	ClassOther
	Classes
)

// ClassOf returns the class of a status.
func ClassOf(status uint16) Class {
	if status/100 == 2 {
		return Class2xx
	}
	return ClassOther
}

// String returns the value of the label code_class.
func (c Class) String() string {
	if c == Class2xx {
		return "2xx"
	}
	return "other"
}

// Cell is what is kept of one series and of one backend; bytes are counted for
// series only. Its layout is that of struct cell in bpf/headers/probe.h.
type Cell struct {
	RequestBytes  uint64
	ResponseBytes uint64
	Class         [Classes]Durations
}

// Merge adds what other counted.
func (c *Cell) Merge(other *Cell) {
	c.RequestBytes += other.RequestBytes
	c.ResponseBytes += other.ResponseBytes
	for i := range c.Class {
		c.Class[i].Merge(&other.Class[i])
	}
}
