package recorder

import (
	"bytes"
	"errors"
	"net"

	"github.com/fleetgate/fleetgate/test/protocol/message"
)

// connection is one connection of the proxy. Its fields belong to whoever holds
// the backend's lock.
type connection struct {
	net.Conn
	backend *Backend
	// fresh is what came since the last Take, pending what is not a whole
	// request yet.
	fresh, pending []byte
	// continued is whether the pending request was told to go on.
	continued bool
	refused   bool
	broken    error
}

// serve reads to the end, and answers.
func (c *connection) serve() {
	defer c.Close()
	defer c.leave()
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		answers, end := c.receive(buf[:n])
		if len(answers) > 0 {
			if _, err := c.Write(answers); err != nil {
				return
			}
		}
		if err != nil || end {
			return
		}
	}
}

// receive keeps bytes, and returns the answers to the requests that are whole.
func (c *connection) receive(b []byte) (answers []byte, end bool) {
	c.backend.mu.Lock()
	defer c.backend.mu.Unlock()
	defer c.backend.changed.Broadcast()
	c.fresh, c.pending = append(c.fresh, b...), append(c.pending, b...)
	for len(c.pending) > 0 && !c.refused {
		r, n, err := message.Strict(c.pending)
		if errors.Is(err, message.ErrIncomplete) {
			return append(answers, c.goOn()...), false
		}
		if err != nil {
			c.refused, c.broken = true, err
			return append(answers, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"...), true
		}
		c.pending, c.continued = c.pending[n:], false
		c.backend.requests++
		answer := c.backend.answer(r)
		answers = append(answers, answer.Bytes...)
		if answer.Close {
			return answers, true
		}
	}
	return answers, false
}

// goOn asks for the body of a request that waits to be asked.
func (c *connection) goOn() []byte {
	head, _, whole := bytes.Cut(c.pending, []byte("\r\n\r\n"))
	if c.continued || !whole || !bytes.Contains(bytes.ToLower(head), []byte("\r\nexpect: 100-continue")) {
		return nil
	}
	c.continued = true
	return []byte("HTTP/1.1 100 Continue\r\n\r\n")
}

// take returns what came since the last time, or nil.
func (c *connection) take() *Stream {
	if len(c.fresh) == 0 {
		return nil
	}
	s := &Stream{Bytes: c.fresh, Broken: c.broken}
	if c.broken == nil && len(c.pending) > 0 {
		s.Broken = message.ErrIncomplete
	}
	c.fresh = nil
	return s
}

func (c *connection) leave() {
	b := c.backend
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, c)
	if s := c.take(); s != nil {
		s.Ended = true
		b.taken = append(b.taken, s)
	}
	b.changed.Broadcast()
}
