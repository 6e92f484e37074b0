package netdriver

// idle reports whether there is nothing to send.
func (c *conn) idle() bool { return len(c.pending) == 0 && !c.shut && !c.end }

// write sends until nothing is left. It runs on a goroutine of its own, so that
// two sides that both wait to be read cannot hold each other up.
func (c *conn) write() {
	c.shard.lock()
	defer c.shard.unlock()
	for c.writeOnce() {
	}
	c.busy = false
}

// writeOnce does what is to be done next, and reports whether there was
// something.
func (c *conn) writeOnce() bool {
	switch {
	case len(c.pending) > 0:
		c.sending, c.pending = c.pending, c.sending[:0]
		c.shard.unlock()
		_, err := c.nc.Write(c.sending)
		c.shard.lock()
		c.written(err)
	case c.end:
		c.end, c.shut, c.broken = false, false, true
		c.shard.unlock()
		c.nc.Close()
		c.shard.lock()
	case c.shut:
		c.shut = false
		c.shard.unlock()
		shutdown(c.nc)
		c.shard.lock()
	default:
		return false
	}
	return true
}

// maxKeptOutput is the size of the largest buffer that is kept for reuse.
const maxKeptOutput = 64 << 10

// written tells the peer how a write has ended.
func (c *conn) written(err error) {
	if cap(c.sending) > maxKeptOutput {
		c.sending = nil
	}
	switch {
	case err != nil:
		told := c.broken || c.done
		c.broken, c.pending = true, nil
		if !told {
			c.peer.Broken()
		}
	case len(c.pending) == 0 && !c.done:
		c.peer.Flushed()
	}
}
