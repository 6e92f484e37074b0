package attack

import (
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// Hostile is a backend that speaks HTTP/2 and means no good.
type Hostile struct {
	// Name is that of the test.
	Name string
	// Begun says that the client may have got the head of a response before
	// things went wrong. Else it is to be answered that the backend failed.
	Begun bool
	// Waits says that it is the client who takes no more, and may be left waiting
	// for that.
	Waits bool
	// greet replaces the SETTINGS that a server begins with.
	greet func(*wire.Conn) error
	// answer is called for each request, and the connection is closed when it
	// returns an error.
	answer func(c *wire.Conn, stream uint32) error
}

// Met is what a hostile backend has done.
type Met struct {
	// Connections are those on which it has shown itself.
	Connections atomic.Int64
	// CPU is the time that it took for that, in nanoseconds, as far as it is over.
	CPU atomic.Int64
}

// Serve accepts connections until the listener is closed.
func (h Hostile) Serve(listener net.Listener, met *Met) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go h.serve(conn, met)
	}
}

// threadCPU is what the calling thread has spent on a CPU, in nanoseconds.
func threadCPU() int64 {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &used) != nil {
		return 0
	}
	return used.Utime.Nano() + used.Stime.Nano()
}

// serve reads frames, and does its worst when a request has come.
func (h Hostile) serve(raw net.Conn, met *Met) {
	defer raw.Close()
	// A flood ends when the proxy has closed, or takes no more for a while.
	if err := raw.SetDeadline(time.Now().Add(4 * cutOff)); err != nil {
		return
	}
	if _, err := io.ReadFull(raw, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	met.Connections.Add(1)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadCPU()
	defer func() { met.CPU.Add(threadCPU() - before) }()
	c := wire.New(raw)
	greet := func(c *wire.Conn) error { return c.Framer.WriteSettings() }
	if h.greet != nil {
		greet = h.greet
	}
	for err := greet(c); err == nil && c.Flush() == nil; {
		var frame http2.Frame
		if frame, err = c.Next(); err != nil {
			return
		}
		if head, ok := frame.(*http2.HeadersFrame); ok {
			err = h.answer(c, head.StreamID)
		}
	}
	// What was written last is to arrive.
	_ = c.Flush()
}
