package probe

// A proxy may ask what the sensor's programs know of one of its sockets by the
// socket option SocketFactsOption of level SocketLevel. Without a sensor that
// answers, the kernel refuses it as an option that it does not know. They are
// those of bpf/headers/socket.h.
const (
	SocketLevel       = 0x464c4754
	SocketFactsOption = 1
)

// SocketFacts is the answer, in nanoseconds.
type SocketFacts struct {
	// Wait is the time that a client's connection waited to be accepted, or
	// that one to a backend took to be established.
	Wait uint64
	// Age is the time since the connection was established.
	Age uint64
}
