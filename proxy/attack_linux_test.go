package main

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// attack is clients that have a proxy hold as much for them as they can.
type attack struct {
	c       *child
	ctx     context.Context
	stopNow context.CancelFunc
	running sync.WaitGroup
	// asked is what they ask to be held, in bytes, clients how many they are, and
	// came how many of them have said all that they had to say, or were kept from
	// it, at least once.
	asked, clients, came atomic.Int64
}

func newAttack(c *child) *attack {
	a := &attack{c: c}
	a.ctx, a.stopNow = context.WithCancel(context.Background())
	return a
}

// client sends something to an address, reads nothing, waits to be sent away and
// comes again. What it sends may be more than the proxy takes.
func (a *attack) client(target, hello string, asks int64) {
	a.asked.Add(asks)
	a.clients.Add(1)
	a.running.Go(func() {
		come := sync.OnceFunc(func() { a.came.Add(1) })
		for a.ctx.Err() == nil {
			if nc, err := net.Dial("tcp", target); err == nil {
				a.say(nc.(*net.TCPConn), hello, come)
			}
			come()
			a.pause(time.Second)
		}
	})
}

// sayTime is how long a client is believed to be saying something still. What
// goes on for longer is stuck, which is what it is meant to be.
const sayTime = time.Second

func (a *attack) say(nc *net.TCPConn, hello string, said func()) {
	defer context.AfterFunc(a.ctx, func() { nc.Close() })()
	defer nc.Close()
	defer time.AfterFunc(sayTime, said).Stop()
	limitBuffers(nc)
	if _, err := io.WriteString(nc, hello); err == nil {
		said()
		untilOver(nc)
	}
}

// limitBuffers keeps what the kernel holds of a connection small: it is not the
// proxy's memory.
func limitBuffers(nc *net.TCPConn) {
	_ = nc.SetReadBuffer(4 << 10)
	_ = nc.SetWriteBuffer(64 << 10)
}

// pause waits a little, unless the attack is over.
func (a *attack) pause(d time.Duration) {
	select {
	case <-a.ctx.Done():
	case <-time.After(d):
	}
}

// inForce reports whether all clients have come.
func (a *attack) inForce() bool { return a.came.Load() == a.clients.Load() }

func (a *attack) stop() {
	a.stopNow()
	a.running.Wait()
}

// appendFrame appends a frame of HTTP/2.
func appendFrame(out []byte, kind, flags byte, stream uint32, payload string) []byte {
	out = append(out, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, flags)
	return append(binary.BigEndian.AppendUint32(out, stream), payload...)
}

// untilOver waits until the other side of a connection has ended it, or has broken
// it off, or this side has closed it, and reads nothing of what came before.
func untilOver(nc *net.TCPConn) {
	raw, err := nc.SyscallConn()
	if err == nil {
		// An error is the close.
		_ = raw.Read(isOver)
	}
}

func isOver(fd uintptr) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(p, 0)
	return err != nil || n > 0
}
