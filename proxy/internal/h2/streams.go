package h2

import (
	"cmp"
	"slices"
)

// streams is the open streams. They are opened in the order of their
// identifiers, so the list is sorted by them.
type streams struct{ list []*Stream }

func (t *streams) index(id uint32) (int, bool) {
	// Most frames are about the newest stream or the only one.
	if n := len(t.list); n > 0 && t.list[n-1].id == id {
		return n - 1, true
	}
	return slices.BinarySearchFunc(t.list, id, func(s *Stream, id uint32) int { return cmp.Compare(s.id, id) })
}

// find returns an open stream, or nil.
func (t *streams) find(id uint32) *Stream {
	if i, ok := t.index(id); ok {
		return t.list[i]
	}
	return nil
}

func (t *streams) remove(id uint32) {
	if i, ok := t.index(id); ok {
		t.list = slices.Delete(t.list, i, i+1)
	}
}

// maxResetIDs is how many streams are remembered that we reset.
const maxResetIDs = 128

// resetIDs remembers the last streams that we reset, as what the peer sent
// before it knew is no fault of its own (RFC 9113, section 5.1). Once streams
// have been forgotten, older ones than it remembers are taken to be among them.
type resetIDs struct {
	ids  []uint32
	next int
}

func (r *resetIDs) add(id uint32) {
	if len(r.ids) < maxResetIDs {
		r.ids = append(r.ids, id)
		return
	}
	r.ids[r.next] = id
	r.next = (r.next + 1) % maxResetIDs
}

func (r *resetIDs) has(id uint32) bool {
	return slices.Contains(r.ids, id) || len(r.ids) == maxResetIDs && id < r.ids[r.next]
}

// idle reports whether a stream was never opened (RFC 9113, section 5.1).
func (c *Conn) idle(id uint32) bool {
	if c.role == Client {
		return id%2 == 0 || id >= c.nextID
	}
	return id%2 == 0 || id > c.lastPeer
}

func (c *Conn) newStream(id uint32) *Stream {
	s := c.pool.stream()
	*s = Stream{c: c, id: id, sendWindow: c.initialWindow, recvWindow: streamWindow, remaining: -1}
	c.streams.list = append(c.streams.list, s)
	c.live++
	return s
}

// remove takes s out of the open streams.
func (c *Conn) remove(s *Stream) {
	c.streams.remove(s.id)
	c.waiting.remove(s)
	s.closed = true
}

// refuse resets s because of what the peer sent.
func (c *Conn) refuse(s *Stream, code Code) *Error {
	c.sendReset(s.id, code)
	c.remove(s)
	c.h.Reset(s, code, false)
	return c.refused()
}

// refuseID resets a stream that the handler does not know of, or no longer.
func (c *Conn) refuseID(id uint32, code Code) *Error {
	c.sendReset(id, code)
	return c.refused()
}

func (c *Conn) refused() *Error {
	if err := c.chargeReset(); err != nil {
		return err
	}
	return c.answer()
}

func (c *Conn) sendReset(id uint32, code Code) {
	c.Out = appendReset(c.Out, id, code)
	c.reset.add(id)
}
