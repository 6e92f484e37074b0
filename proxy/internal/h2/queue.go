package h2

// queue is the streams that wait for the connection to let them send, in the
// order of their turns.
type queue struct{ first, last *Stream }

func (q *queue) add(s *Stream) {
	if s.queued {
		return
	}
	s.queued, s.prev, s.next = true, q.last, nil
	if q.last == nil {
		q.first = s
	} else {
		q.last.next = s
	}
	q.last = s
}

func (q *queue) remove(s *Stream) {
	if !s.queued {
		return
	}
	if s.prev == nil {
		q.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		q.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.queued, s.prev, s.next = false, nil, nil
}

// wait makes s have its turn when it can send again. One that waits for its own
// window is not in the queue.
func (c *Conn) wait(s *Stream) {
	s.wants = true
	if s.sendWindow > 0 {
		c.waiting.add(s)
	}
}

// mayWake puts s into the queue if its own window is no longer what it waits
// for.
func (c *Conn) mayWake(s *Stream) {
	if s.wants && s.sendWindow > 0 {
		c.waiting.add(s)
	}
}

// room returns how much data may be sent now on the connection.
func (c *Conn) room() int {
	if c.blocked || c.err != nil {
		return 0
	}
	return min(c.sendWindow, c.maxOutput-len(c.Out))
}

// wake gives the waiting streams their turns, one frame each, for as long as the
// connection has room.
func (c *Conn) wake() {
	for c.waiting.first != nil && c.room() > 0 {
		s := c.waiting.first
		c.waiting.remove(s)
		s.wants = false
		c.turn = true
		c.h.Writable(s)
		c.turn = false
	}
}
