package exchange

import "github.com/fleetgate/fleetgate/proxy/internal/balance"

// idleConns are the connections to backends of a Loop that carry nothing, in
// whatever home, the one that has been idle for longest first. They are given up
// where others need the room that they take.
type idleConns struct{ oldest, newest *idleConn }

// idleConn is one of them, or one that is not idle now.
type idleConn struct {
	older, newer *idleConn
	listed       bool
	// to is the endpoint, giveUp closes the connection.
	to     *balance.Endpoint
	giveUp func()
}

// add says that c has nothing to do from now on.
func (l *idleConns) add(c *idleConn) {
	if c.listed {
		return
	}
	c.listed, c.older = true, l.newest
	if c.older != nil {
		c.older.newer = c
	} else {
		l.oldest = c
	}
	l.newest = c
}

// remove says that c has something to do, or is closed.
func (l *idleConns) remove(c *idleConn) {
	if !c.listed {
		return
	}
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		l.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		l.newest = c.older
	}
	c.older, c.newer, c.listed = nil, nil, false
}

// makeRoom closes the connection that has been idle for longest, of those to a
// cluster or of all if it is nil. It returns false if there is none.
func (l *Loop) makeRoom(of *balance.Cluster) bool {
	for c := l.idleConns.oldest; c != nil; c = c.newer {
		if of == nil || c.to.Cluster == of {
			c.giveUp()
			return true
		}
	}
	return false
}

// reserve asks for one more connection to an endpoint. Where its cluster has as
// many as it may have, idle ones give way: to its other endpoints, or of other
// homes or transports. Those of other loops do so by their next Tick.
func (l *Loop) reserve(e *balance.Endpoint) bool {
	for !e.Connect() {
		if !l.makeRoom(e.Cluster) {
			e.Cluster.Lack(l.now)
			return false
		}
	}
	return true
}

// wanted reports whether a connection that has been idle since an instant takes
// the room that others have lacked after it.
func (l *Loop) wanted(e *balance.Endpoint, idleSince int64) bool {
	return e.Cluster.Lacked() > idleSince || l.opts.Gate.Lacked() > idleSince
}
