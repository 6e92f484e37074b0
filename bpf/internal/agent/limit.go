package agent

import (
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// What strangers may take. A sensor that is refused waits and tries again, so
// that a burst of them, as after a restart of the agent, is served in its turn.
const (
	// strangers bounds the connections that have not said who they are, and
	// strangersEach those of one address.
	strangers     = 64
	strangersEach = 4
	// reviewsPerSecond and reviewsAtOnce bound the questions to the API server,
	// and reviewsEach those for one address.
	reviewsPerSecond = 20
	reviewsAtOnce    = 40
	reviewsEach      = 4
)

// door lets strangers in. It is safe for concurrent use.
type door struct {
	reviews *rate.Limiter

	mu     sync.Mutex
	inside int
	guests map[netip.Addr]*guest
}

// guest is what is known of an address. It is forgotten when it has no
// connection and all of its allowance.
type guest struct {
	connections int
	reviews     *rate.Limiter
}

func newDoor() *door {
	return &door{reviews: rate.NewLimiter(reviewsPerSecond, reviewsAtOnce), guests: map[netip.Addr]*guest{}}
}

// enter says whether there is room for one more connection from the address;
// leave ends it.
func (d *door) enter(from netip.Addr) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.guests[from]
	if d.inside >= strangers || g != nil && g.connections >= strangersEach {
		return false
	}
	if g == nil {
		d.forget()
		g = &guest{reviews: rate.NewLimiter(0.5, reviewsEach)}
		d.guests[from] = g
	}
	d.inside++
	g.connections++
	return true
}

func (d *door) leave(from netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside--
	d.guests[from].connections--
}

// mayAsk says whether the API server may be asked for somebody at the address,
// who is inside. One address cannot use up what is for all.
func (d *door) mayAsk(from netip.Addr) bool {
	d.mu.Lock()
	own := d.guests[from].reviews
	d.mu.Unlock()
	return own.Allow() && d.reviews.Allow()
}

// forget drops those that there is nothing to remember of.
func (d *door) forget() {
	for from, g := range d.guests {
		if g.connections == 0 && g.reviews.Tokens() >= reviewsEach {
			delete(d.guests, from)
		}
	}
}
