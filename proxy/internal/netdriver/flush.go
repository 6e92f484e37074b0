package netdriver

// flushing is a sender whose turn it is to be written, claimed by its busy
// flag. For a backend's sender b is that backend, which may serve another
// client's connection than c by the time that a write has ended.
type flushing struct {
	c  *conn
	to *sender
	b  *backend
}

// run writes until nothing is left.
func (w flushing) run() {
	sh := w.c.shard
	sh.lock()
	for {
		if len(w.to.pending) > 0 {
			data := w.to.next()
			sh.unlock()
			_, err := w.to.nc.Write(data)
			sh.lock()
			w.to.trim()
			w.written(err)
			continue
		}
		if !w.last() {
			break
		}
	}
	w.to.busy = false
	var work []flushing
	if c := w.reportsTo(); c != nil {
		work = c.settle()
	}
	sh.unlock()
	for _, other := range work {
		sh.server.running.Go(other.run)
	}
}

// reportsTo returns the connection that is concerned; nil if the backend
// serves none.
func (w flushing) reportsTo() *conn {
	if w.b != nil {
		return w.b.owner
	}
	return w.c
}

// last does what follows the last byte, and reports whether to look again.
func (w flushing) last() bool {
	sh, s := w.c.shard, w.to
	switch {
	case s.end:
		s.end, s.shut, s.broken = false, false, true
		sh.unlock()
		s.nc.Close()
		sh.lock()
		return true
	case s.shut:
		s.shut = false
		sh.unlock()
		shutdown(s.nc)
		sh.lock()
		return true
	}
	return false
}

// written tells the core how a write has ended.
func (w flushing) written(err error) {
	if err != nil {
		w.to.broken = true
		w.to.pending = nil
	}
	if len(w.to.pending) > 0 {
		return
	}
	c := w.reportsTo()
	switch {
	case c == nil || c.core.Closed():
		return
	case w.b != nil:
		// What the backend sent before it broke is still to be read; its
		// reader reports the end.
		c.core.UpstreamFlushed()
	case err != nil:
		c.core.ClientClosed()
	default:
		c.core.ClientFlushed()
	}
	c.readable.Signal()
	if c.up != nil {
		c.up.readable.Signal()
	}
}
