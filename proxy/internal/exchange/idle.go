package exchange

import "github.com/fleetgate/fleetgate/proxy/internal/balance"

// idleConns are the connections to backends of a Loop that carry nothing, in
// whatever home, the one that has been idle for longest first. They are given up
// where others need the room that they take.
type idleConns struct {
	all idleList
	// clusters has those of each Cluster that there are connections to, idle or
	// not.
	clusters map[*balance.Cluster]*clusterConns
}

// clusterConns are the idle ones of a Cluster, and how many connections there are.
type clusterConns struct {
	idle  idleList
	conns int
}

// idleConn is one of them, or one that is not idle now. The zero value is a
// connection that no Loop has.
type idleConn struct {
	// links are those in the list of all and in that of its Cluster.
	links  [2]links
	listed bool
	// to is the endpoint, of what its Cluster has, giveUp closes the connection.
	to     *balance.Endpoint
	of     *clusterConns
	giveUp func()
}

type links struct{ older, newer *idleConn }

// The links of an idleConn by their list.
const (
	ofAll = iota
	ofCluster
)

// idleList is the connections that one of the links lead through.
type idleList struct{ oldest, newest *idleConn }

func (l *idleList) add(c *idleConn, by int) {
	c.links[by].older = l.newest
	if l.newest != nil {
		l.newest.links[by].newer = c
	} else {
		l.oldest = c
	}
	l.newest = c
}

func (l *idleList) remove(c *idleConn, by int) {
	at := c.links[by]
	if at.older != nil {
		at.older.links[by].newer = at.newer
	} else {
		l.oldest = at.newer
	}
	if at.newer != nil {
		at.newer.links[by].older = at.older
	} else {
		l.newest = at.older
	}
	c.links[by] = links{}
}

// enter takes in a connection that was begun to an endpoint.
func (l *idleConns) enter(to *balance.Endpoint, giveUp func()) idleConn {
	of := l.clusters[to.Cluster]
	if of == nil {
		if l.clusters == nil {
			l.clusters = map[*balance.Cluster]*clusterConns{}
		}
		of = new(clusterConns)
		l.clusters[to.Cluster] = of
	}
	of.conns++
	return idleConn{to: to, of: of, giveUp: giveUp}
}

// leave says that a connection is closed.
func (l *idleConns) leave(c *idleConn) {
	l.remove(c)
	if c.of == nil {
		return
	}
	if c.of.conns--; c.of.conns == 0 {
		delete(l.clusters, c.to.Cluster)
	}
	c.of = nil
}

// add says that c has nothing to do from now on.
func (l *idleConns) add(c *idleConn) {
	if c.listed || c.of == nil {
		return
	}
	c.listed = true
	l.all.add(c, ofAll)
	c.of.idle.add(c, ofCluster)
}

// remove says that c has something to do.
func (l *idleConns) remove(c *idleConn) {
	if !c.listed {
		return
	}
	c.listed = false
	l.all.remove(c, ofAll)
	c.of.idle.remove(c, ofCluster)
}

// makeRoom closes the connection that has been idle for longest, of those to a
// cluster or of all if it is nil. It returns false if there is none.
func (l *Loop) makeRoom(of *balance.Cluster) bool {
	list := &l.idleConns.all
	if of != nil {
		c := l.idleConns.clusters[of]
		if c == nil {
			return false
		}
		list = &c.idle
	}
	if list.oldest == nil {
		return false
	}
	list.oldest.giveUp()
	return true
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
