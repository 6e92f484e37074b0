package agent

import (
	"net"
	"sync"
)

// MaxPods bounds the pods of a node that are counted for. It is above what a
// kubelet runs by default, so that no pod takes the place of another.
const MaxPods = 256

// pods has the sessions by the UID of their pod, of which each has at most one.
// It is safe for concurrent use.
type pods struct {
	mu       sync.Mutex
	sessions map[string]*place
}

// place is that of a pod, from when it is known until what was loaded for it is
// gone.
type place struct {
	conn net.Conn
	free chan struct{}
}

// claim takes the pod's place. A session before ends, and is waited for: it is
// what a sensor has left behind that was restarted. It returns nil when there
// are too many pods; otherwise leave has to be called with what it returns.
func (p *pods) claim(uid string, conn net.Conn) *place {
	for {
		taken, before := p.take(uid, conn)
		if before == nil {
			return taken
		}
		before.conn.Close()
		<-before.free
	}
}

func (p *pods) take(uid string, conn net.Conn) (taken, before *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before := p.sessions[uid]; before != nil {
		return nil, before
	}
	if len(p.sessions) >= MaxPods {
		return nil, nil
	}
	taken = &place{conn: conn, free: make(chan struct{})}
	p.sessions[uid] = taken
	return taken, nil
}

func (p *pods) leave(uid string, taken *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, uid)
	close(taken.free)
}

func (p *pods) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions)
}
