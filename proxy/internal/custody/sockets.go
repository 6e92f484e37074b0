package custody

// Sockets are the listening TCP sockets of a process, by port, as far as somebody else
// holds them, too. An implementation is safe for concurrent use.
type Sockets interface {
	// Take returns the sockets of a port that were held when the process started, as
	// descriptors that are the caller's from then on; nil where there are none, and the
	// next time.
	Take(port uint16) []int
	// Keep has the sockets held in place of those that were held of the port.
	Keep(port uint16, fds []int)
	// Drop has those of a port closed that are held. The port is free when it returns and
	// the caller has closed its own.
	Drop(port uint16)
	// Settle drops what nobody has taken.
	Settle()
}
