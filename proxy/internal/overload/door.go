package overload

import "sync/atomic"

// Door is where clients come in by one port. It is safe for concurrent use.
type Door struct {
	gate *Gate
	open atomic.Int64
}

// Enter counts a client's connection in, or reports false, and counts why: the
// connection is to be reset. Leave counts it out.
func (d *Door) Enter() bool {
	g := d.gate
	if g.Level() >= RefuseConnections {
		g.Refuse(Overloaded)
		return false
	}
	if !take(&d.open, g.perListener.Load()) {
		g.Refuse(ListenerFull)
		return false
	}
	if !take(&g.clients, g.total.Load()) {
		d.open.Add(-1)
		g.Refuse(Full)
		return false
	}
	if !take(&g.descriptors, int64(g.limits.Descriptors)) {
		g.clients.Add(-1)
		d.open.Add(-1)
		g.Refuse(NoDescriptor)
		return false
	}
	return true
}

// Leave is the end of a connection that has entered.
func (d *Door) Leave() {
	d.gate.descriptors.Add(-1)
	d.gate.clients.Add(-1)
	d.open.Add(-1)
}

// Open returns how many connections that entered have not left.
func (d *Door) Open() int { return int(d.open.Load()) }

// Ticket enters by the door, and returns what stands for that; nil if there is
// no way in.
func (d *Door) Ticket() *Ticket {
	if !d.Enter() {
		return nil
	}
	return &Ticket{door: d}
}

// Ticket is a connection that has entered, for those whose connections have more
// than one end to them.
type Ticket struct {
	door *Door
	used atomic.Bool
}

// Leave counts the connection out, once.
func (t *Ticket) Leave() {
	if !t.used.Swap(true) {
		t.door.Leave()
	}
}
