package rollout

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

const (
	// together is how many fleets have their turn at a time, once one has ended well.
	together = 5
	// tolerated is how many failed ones stop all others. Fewer may be for a quota or a
	// node of their own, and one tenant's trouble is not to keep others from theirs.
	tolerated = 3
)

// Options are what a Gate works with. All fields are required.
type Options struct {
	// Fleets lists the workloads of all fleets by their Gateways. It is called once,
	// when the first fleet asks.
	Fleets func(context.Context) (map[types.NamespacedName][]client.Object, error)
	// Wake has a Gateway looked at that waits.
	Wake func(types.NamespacedName)
	Now  func() time.Time
}

// Gate gives turns. It is safe for concurrent use.
type Gate struct {
	opts Options

	mu     sync.Mutex
	loaded bool
	turns  map[types.NamespacedName]turn
	// waiting are those that asked in vain.
	waiting map[types.NamespacedName]struct{}
	// proven says that a turn of this rollout has ended well.
	proven bool
}

// turn is one that has not ended well.
type turn struct {
	// began is what TurnAnnotation has.
	began string
	state State
}

// NewGate returns a Gate.
func NewGate(opts Options) *Gate {
	return &Gate{opts: opts, turns: make(map[types.NamespacedName]turn), waiting: make(map[types.NamespacedName]struct{})}
}

// Ask returns the value of TurnAnnotation if the Gateway has its turn now, and "" if it
// has to wait. It is woken then.
func (g *Gate) Ask(ctx context.Context, gateway types.NamespacedName) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.load(ctx); err != nil {
		return "", err
	}
	known, has := g.turns[gateway]
	if has && known.state == UnderWay {
		return known.began, nil
	}
	if !has && room(g.turns, g.proven) == 0 {
		g.waiting[gateway] = struct{}{}
		return "", nil
	}
	delete(g.waiting, gateway)
	began := g.opts.Now().UTC().Format(time.RFC3339)
	g.turns[gateway] = turn{began: began, state: UnderWay}
	return began, nil
}

// room is how many more fleets can have their turn.
func room(turns map[types.NamespacedName]turn, proven bool) int {
	failed := 0
	for _, turn := range turns {
		if turn.state == Failed {
			failed++
		}
	}
	most := 1
	if proven {
		most = together
	}
	if failed >= tolerated {
		return 0
	}
	return max(0, most-(len(turns)-failed))
}

func (g *Gate) load(ctx context.Context) error {
	if g.loaded {
		return nil
	}
	fleets, err := g.opts.Fleets(ctx)
	if err != nil {
		return err
	}
	for gateway, workloads := range fleets {
		for _, workload := range workloads {
			if StateOf(workload, g.opts.Now()) != Settled {
				g.note(gateway, workload)
			}
		}
	}
	g.loaded = true
	return nil
}

// Note tells how a fleet's workload is, as a cache has it, and returns its state.
func (g *Gate) Note(gateway types.NamespacedName, workload client.Object) State {
	g.mu.Lock()
	defer g.mu.Unlock()
	state := g.note(gateway, workload)
	g.wake()
	return state
}

func (g *Gate) note(gateway types.NamespacedName, workload client.Object) State {
	state, began := StateOf(workload, g.opts.Now()), workload.GetAnnotations()[names.TurnAnnotation]
	known, has := g.turns[gateway]
	switch {
	case has && known.began != began:
		// The cache does not show the turn yet.
		return known.state
	case state != Settled:
		g.turns[gateway] = turn{began: began, state: state}
	case has:
		delete(g.turns, gateway)
		g.proven = true
	}
	return state
}

// Leave is for a Gateway that waits for nothing any more: it is gone, needs no turn, or
// could not begin the one that it had.
func (g *Gate) Leave(gateway types.NamespacedName, began string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, gateway)
	if known, has := g.turns[gateway]; has && (began == "" || known.began == began) {
		delete(g.turns, gateway)
	}
	g.wake()
}

// Pass is for a Gateway that needs no turn.
func (g *Gate) Pass(gateway types.NamespacedName) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, waits := g.waiting[gateway]; waits {
		delete(g.waiting, gateway)
		g.wake()
	}
}

// wake has the next ones ask again, if there is room.
func (g *Gate) wake() {
	if len(g.waiting) == 0 && len(g.turns) == 0 {
		g.proven = false
	}
	free := room(g.turns, g.proven)
	if len(g.waiting) == 0 || free == 0 {
		return
	}
	next := slices.SortedFunc(maps.Keys(g.waiting), func(a, b types.NamespacedName) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, gateway := range next[:min(free, len(next))] {
		g.opts.Wake(gateway)
	}
}

// Counts returns how many fleets wait, are under way, and have failed.
func (g *Gate) Counts() (waiting, underWay, failed int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, turn := range g.turns {
		if turn.state == Failed {
			failed++
		} else {
			underWay++
		}
	}
	return len(g.waiting), underWay, failed
}
