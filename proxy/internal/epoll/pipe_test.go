//go:build linux

package epoll

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

// newPipes returns a pool that may have so many descriptors.
func newPipes(descriptors int) *pipes {
	return &pipes{gate: overload.NewGate(overload.Limits{Descriptors: descriptors})}
}

func isOpen(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

func TestPipesAreReused(t *testing.T) {
	p := newPipes(100)
	defer p.sweep(true)
	first := p.take()
	p.put(first)
	if again := p.take(); again != first {
		t.Error("an empty pipe is not taken again")
	}
	first.left = 1
	p.put(first)
	if isOpen(first.r) || isOpen(first.w) || p.open != 0 {
		t.Error("a pipe with something in it is kept")
	}
	if again := p.take(); again == nil || again == first {
		t.Errorf("got %v", again)
	} else {
		p.put(again)
	}
}

func TestPipesAreBounded(t *testing.T) {
	for _, tt := range []struct{ descriptors, want int }{{1, 0}, {5, 2}, {4 * maxPipes, maxPipes}} {
		p := newPipes(tt.descriptors)
		var taken []*pipe
		for x := p.take(); x != nil; x = p.take() {
			taken = append(taken, x)
		}
		if len(taken) != tt.want {
			t.Errorf("%d descriptors: got %d pipes, want %d", tt.descriptors, len(taken), tt.want)
		}
		for _, x := range taken {
			p.put(x)
		}
		p.sweep(true)
		for range tt.descriptors {
			if !p.gate.Borrow() {
				t.Fatalf("%d descriptors: not all were given back", tt.descriptors)
			}
		}
	}
}

// Pipes that a second did not need are closed, those that it did need stay.
func TestIdlePipesAreClosed(t *testing.T) {
	p := newPipes(100)
	defer p.sweep(true)
	x, y, z := p.take(), p.take(), p.take()
	for _, some := range []*pipe{x, y, z} {
		p.put(some)
	}
	p.sweep(false)
	if p.open != 3 {
		t.Errorf("got %d pipes, want the 3 that were needed", p.open)
	}
	p.put(p.take())
	p.sweep(false)
	if p.open != 1 || !isOpen(z.r) || isOpen(x.r) || isOpen(y.w) {
		t.Errorf("got %d pipes, want the one that was needed", p.open)
	}
	p.sweep(false)
	if p.open != 0 || len(p.idle) != 0 {
		t.Errorf("got %d pipes, want none", p.open)
	}
}

// What the kernel refuses is asked for again after a while.
func TestRefusedPipes(t *testing.T) {
	p := newPipes(100)
	p.refused = true
	if p.take() != nil {
		t.Error("got a pipe")
	}
	p.sweep(false)
	x := p.take()
	if x == nil {
		t.Fatal("got no pipe")
	}
	p.put(x)
	p.sweep(true)
}
