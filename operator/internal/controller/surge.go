package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// surgeEach is by how much a look at a Gateway that comes up waits for what else happens
	// to it, for each one that does so at the same time: a look takes some milliseconds, and
	// most of these events tell of what the look before has made. surgeLongest is the most.
	surgeEach    = 25 * time.Millisecond
	surgeLongest = time.Second
	// surgeTurn is how long a Gateway counts as one that comes up after its last event, at least.
	surgeTurn = 2 * time.Second
)

// surge spaces the looks at Gateways that come up. One that does so alone is looked at with
// each event; of a thousand at once, each is looked at once a second. It is safe for
// concurrent use.
type surge struct {
	now func() time.Time

	mu sync.Mutex
	// looks are the times of the next or last looks at those that come up.
	looks recent[time.Time]
}

func newSurge(now func() time.Time) *surge {
	return &surge{now: now, looks: newRecent[time.Time](surgeTurn)}
}

// wait returns how long the next look at a Gateway to which something has happened has to
// wait.
func (s *surge) wait(gateway types.NamespacedName) time.Duration {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks.turn(now)
	look := s.looks.renew(gateway)
	if !look.After(now) {
		pause := min(time.Duration(s.looks.size())*surgeEach, surgeLongest)
		if look = look.Add(pause); look.Before(now) {
			look = now
		}
	}
	s.looks.put(gateway, look)
	return look.Sub(now)
}
