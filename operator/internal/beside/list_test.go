package beside

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type node struct{ key int }

// TestListIsAMap has nodes come, go and be replaced. What is beside a node is what a map
// would have, and nothing is made twice.
func TestListIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l List[*node, int]
		var nodes []*node
		made, known := 0, map[*node]int{}
		for range rapid.IntRange(1, 8).Draw(t, "turns") {
			nodes = change(t, nodes)
			w := l.Next(len(nodes), func(a, b *node) int { return cmp.Compare(a.key, b.key) })
			left := map[*node]int{}
			w.Left = func(n *node, of int) { left[n] = of }
			now := map[*node]int{}
			for _, n := range nodes {
				got := w.At(n, func(*node) int { made++; return made })
				if want, had := known[n]; had && got != want {
					t.Fatalf("beside %d is %d, want %d", n.key, got, want)
				} else if !had && got != made {
					t.Fatalf("beside %d is %d, which is another's", n.key, got)
				}
				now[n] = got
				for _, other := range nodes {
					if of, replaced := left[other]; replaced {
						t.Fatalf("%d with %d has left and is there", other.key, of)
					}
				}
			}
			l.Keep(w)
			for n := range known {
				if _, stays := now[n]; !stays && left[n] != known[n] {
					t.Fatalf("nobody is told that %d has left", n.key)
				}
			}
			for _, n := range nodes {
				if of, found := l.Find(n, w.compare); !found || of != now[n] {
					t.Fatalf("beside %d is found %d, want %d", n.key, of, now[n])
				}
				if _, found := l.Find(&node{n.key}, w.compare); found {
					t.Fatalf("what is beside %d is found for another node", n.key)
				}
			}
			known = now
		}
	})
}

// change leaves some nodes, drops some, replaces some and adds some.
func change(t *rapid.T, nodes []*node) (next []*node) {
	had := map[int]*node{}
	for _, n := range nodes {
		had[n.key] = n
	}
	for key := range 8 {
		switch n := had[key]; rapid.SampledFrom([]string{"stay", "stay", "go", "renew"}).Draw(t, "what") {
		case "stay":
			if n != nil {
				next = append(next, n)
			}
		case "renew":
			next = append(next, &node{key})
		}
	}
	return slices.Clip(next)
}

func TestUntouchedNodesAllocateNothingEach(t *testing.T) {
	for _, n := range []int{10, 10_000} {
		var l List[*node, int]
		nodes := make([]*node, n)
		for i := range nodes {
			nodes[i] = &node{i}
		}
		compared := 0
		turn := func() {
			w := l.Next(n, func(a, b *node) int { compared++; return cmp.Compare(a.key, b.key) })
			for _, at := range nodes {
				w.At(at, func(*node) int { return 1 })
			}
			l.Keep(w)
		}
		turn()
		if allocations := testing.AllocsPerRun(2, turn); allocations > 4 {
			t.Errorf("%v allocations for %d nodes", allocations, n)
		}
		if compared > 0 {
			t.Errorf("%d comparisons of nodes that are the same", compared)
		}
	}
}
