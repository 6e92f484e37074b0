package overload

import (
	"maps"
	"math"
	"sync"
	"testing"
)

func TestDefaultLimits(t *testing.T) {
	for _, c := range []struct {
		files  int
		memory int64
		want   Limits
	}{
		{1 << 20, math.MaxInt64, Limits{10_000, 50_000, 943_719, 943_719, 2048}},
		{1 << 20, 128 << 20, Limits{10_000, 50_000, 943_719, 4096, 512}},
		{20_000, math.MaxInt64, Limits{10_000, 13_500, 18_000, 18_000, 2048}},
		{1024, 64 << 20, Limits{690, 690, 922, 922, 256}},
		{256, 1 << 20, Limits{156, 156, 208, 32, 64}},
		{10, 0, Limits{1, 1, 1, 1, 64}},
	} {
		if got := DefaultLimits(c.files, c.memory); got != c.want {
			t.Errorf("%d files, %d bytes: got %+v, want %+v", c.files, c.memory, got, c.want)
		}
	}
	if got := NewGate(Limits{PerListener: 7}).Limits(); got.PerListener != 7 || got.Total <= 0 || got.Descriptors <= 0 {
		t.Errorf("got %+v", got)
	}
	if got := NewGate(Limits{Total: 9, Descriptors: 5}).Limits(); got.Total != 5 {
		t.Errorf("got %+v", got)
	}
}

// refused are the counts that are not zero.
func (g *Gate) refusals() map[Reason]uint64 {
	all := g.Stats().Refused
	maps.DeleteFunc(all, func(_ Reason, n uint64) bool { return n == 0 })
	return all
}

func enter(d *Door, n int) (in int) {
	for range n {
		if d.Enter() {
			in++
		}
	}
	return in
}

func TestDoors(t *testing.T) {
	g := NewGate(Limits{PerListener: 3, Total: 5, Descriptors: 7})
	a, b := g.Door(80), g.Door(443)
	if g.Door(80) != a {
		t.Error("a port has two doors")
	}
	if got := enter(a, 4); got != 3 {
		t.Errorf("%d came in by the first door", got)
	}
	if got := enter(b, 3); got != 2 {
		t.Errorf("%d came in by the second door", got)
	}
	borrowed := 0
	for range 3 {
		if g.Borrow() {
			borrowed++
		}
	}
	if borrowed != 2 {
		t.Errorf("the backends' descriptors are %d, not two", borrowed)
	}
	a.Leave()
	if !g.Borrow() || enter(a, 1) != 0 {
		t.Error("a client came in without a descriptor")
	}
	g.Return()
	few := NewGate(Limits{Descriptors: 9, Backends: 1})
	if !few.Borrow() || few.Borrow() {
		t.Error("the limit of backends is not one")
	}
	g.Set(RefuseConnections)
	if enter(b, 1) != 0 {
		t.Error("a client came in at the last level")
	}
	g.Set(ShedRequests)
	if enter(b, 1) != 1 {
		t.Error("a client did not come in at the level before")
	}
	want := map[Reason]uint64{ListenerFull: 1, Full: 1, NoDescriptor: 1, Overloaded: 1}
	if got := g.refusals(); !maps.Equal(got, want) {
		t.Errorf("refused: got %v, want %v", got, want)
	}
	for range 3 {
		b.Leave()
	}
	for range 2 {
		a.Leave()
		g.Return()
	}
	if g.clients.Load() != 0 || g.descriptors.Load() != 0 || g.backends.Load() != 0 || a.open.Load() != 0 || b.open.Load() != 0 {
		t.Errorf("%d clients, %d descriptors, %d backends left", g.clients.Load(), g.descriptors.Load(), g.backends.Load())
	}
}

// Bounds change while connections are open: nobody has to go, and nobody comes in
// until there is room again.
func TestBoundsOfConnectionsThatAreOpen(t *testing.T) {
	g := NewGate(Limits{PerListener: 5, Total: 8, Descriptors: 1000})
	a, b := g.Door(80), g.Door(443)
	enter(a, 5)
	g.Bound(2, 6)
	if got := g.Limits(); got.PerListener != 2 || got.Total != 6 || a.Open() != 5 {
		t.Errorf("got %+v with %d open", got, a.Open())
	}
	if enter(a, 1) != 0 || enter(b, 3) != 1 {
		t.Error("the bounds of a port and of all are not two and six")
	}
	for range 4 {
		a.Leave()
	}
	if enter(a, 3) != 1 {
		t.Error("there is no room for one of two")
	}
	g.Bound(0, 0)
	if got := g.Limits(); got.PerListener != 5 || got.Total != 8 {
		t.Errorf("got %+v, want what the gate was made with", got)
	}
	if enter(a, 9) != 3 {
		t.Error("the bound of a port is not five again")
	}
	// Nobody can ask for more than the process may have.
	g.Bound(0, 5000)
	if got := g.Limits().Total; got > 1000 {
		t.Errorf("a bound of %d connections for 1000 descriptors", got)
	}
}

func TestTicketsAreUsedOnce(t *testing.T) {
	g := NewGate(Limits{Total: 1})
	first := g.Door(80).Ticket()
	if first == nil || g.Door(80).Ticket() != nil {
		t.Fatal("the limit is not one")
	}
	first.Leave()
	first.Leave()
	if enter(g.Door(80), 2) != 1 {
		t.Error("the ticket counted twice")
	}
}

func TestManyAtOneDoor(t *testing.T) {
	const limit = 50
	g := NewGate(Limits{PerListener: limit, Total: 2 * limit, Descriptors: 4 * limit})
	var all sync.WaitGroup
	var in sync.Map
	for worker := range 8 {
		all.Go(func() { in.Store(worker, enter(g.Door(80), 100)) })
	}
	all.Wait()
	total := 0
	in.Range(func(_, n any) bool { total += n.(int); return true })
	// Who is refused may take another's place for a moment, never the reverse.
	if total > limit || g.clients.Load() != int64(total) {
		t.Errorf("%d came in, of %d; %d are counted", total, limit, g.clients.Load())
	}
}

func TestNoGateIsNormal(t *testing.T) {
	if got := (*Gate)(nil).Level(); got != Normal {
		t.Errorf("got %d", got)
	}
}
