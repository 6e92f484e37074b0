package keepalive

import (
	"net"
	"syscall"
	"time"
)

// A connection on which nothing comes is asked for a sign of life after Idle, and
// each Interval from then on. It ends after Count questions without an answer.
const (
	Idle     = 30 * time.Second
	Interval = 10 * time.Second
	Count    = 3
)

// UserTimeout is how long what was sent may remain unacknowledged (RFC 5482). The
// kernel then ends the connection, while its own patience is a quarter of an hour.
// It counts for the questions above as well, and must leave time for all of them.
// It also ends a connection whose other side is there, but has no room for as long:
// who may keep others waiting longer has it lifted.
const UserTimeout = Idle + Count*Interval

// Listen is what listeners are opened by whose connections are to be watched.
func Listen() net.ListenConfig {
	return net.ListenConfig{KeepAlive: inherited, KeepAliveConfig: own, Control: control(Set)}
}

// Dialer makes connections that are watched.
func Dialer() net.Dialer {
	return net.Dialer{KeepAlive: inherited, KeepAliveConfig: own, Control: control(Set)}
}

// PatientDialer makes connections that are watched while nothing is on its way, on
// which the other side may have no room for as long as it likes.
func PatientDialer() net.Dialer {
	return net.Dialer{KeepAlive: inherited, KeepAliveConfig: own, Control: control(ask)}
}

// LiftFrom takes back the UserTimeout of a connection, or of the one below it.
func LiftFrom(c net.Conn) error {
	for {
		above, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = above.NetConn()
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	return control(Lift)("", "", raw)
}

// Restore sets the options of Listen for a connection that was accepted otherwise.
func Restore(c syscall.Conn) {
	if raw, err := c.SyscallConn(); err == nil {
		// What cannot be set ends later, as it would without.
		_ = control(Set)("", "", raw)
	}
}

func control(set func(fd int) error) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var failed error
		if err := c.Control(func(fd uintptr) { failed = set(int(fd)) }); err != nil {
			return err
		}
		return failed
	}
}
