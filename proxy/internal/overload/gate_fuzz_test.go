package overload

import (
	"path"
	"strings"
	"testing"
)

// clients are the connections of a Gate, as those who opened them know them.
type clients struct {
	gate     *Gate
	doors    [2]*Door
	in       [2][]*Ticket
	borrowed int
	files    int
	refused  [numReasons]uint64
}

// enter comes in by a door, and says whether that is as it has to be.
func (c *clients) enter(door int) bool {
	in, l := len(c.in[0])+len(c.in[1]), c.gate.limits
	why, refuses := Overloaded, true
	switch {
	case c.gate.Level() >= RefuseConnections:
	case len(c.in[door]) >= l.PerListener:
		why = ListenerFull
	case in >= l.Total:
		why = Full
	case in+c.borrowed+c.files >= l.Descriptors:
		why = NoDescriptor
	default:
		refuses = false
	}
	ticket := c.doors[door].Ticket()
	if ticket != nil {
		c.in[door] = append(c.in[door], ticket)
		return !refuses
	}
	c.refused[why]++
	return refuses
}

// leave has the first one of a door leave, twice, of which the second is nothing.
func (c *clients) leave(door int) {
	if len(c.in[door]) > 0 {
		c.in[door][0].Leave()
		c.in[door][0].Leave()
		c.in[door] = c.in[door][1:]
	}
}

func (c *clients) free() bool {
	return len(c.in[0])+len(c.in[1])+c.borrowed+c.files < c.gate.limits.Descriptors
}

// step does what a byte says, and reports whether the Gate's answer was right.
func (c *clients) step(op byte) bool {
	switch op & 7 {
	case 0, 1:
		return c.enter(int(op & 1))
	case 2, 3:
		c.leave(int(op & 1))
	case 4:
		want := c.free() && c.borrowed < c.gate.limits.Backends
		if c.gate.Borrow() != want {
			return false
		} else if want {
			c.borrowed++
		}
	case 5:
		if c.borrowed > 0 {
			c.gate.Return()
			c.borrowed--
		}
	case 6:
		want := c.free()
		if c.gate.Open() != want {
			return false
		} else if want {
			c.files++
		}
	case 7:
		if op&8 != 0 {
			c.gate.Set(Level(op >> 4 & 3))
		} else if c.files > 0 {
			c.gate.Closed()
			c.files--
		}
	}
	return true
}

// FuzzGate has clients come and go, by tickets that are given back more than
// once, beside connections to backends and files, and compares the Gate's answers
// and counts with plain ones.
func FuzzGate(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x02\x00\x01\x01\x01"))
	f.Add([]byte("\x04\x04\x04\x04\x05\x04\x06\x06\x06\x00\x07\x00"))
	f.Add([]byte("\x00\x3f\x00\x02\x0f\x00\x01\x04\x06\x06"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		g := NewGate(Limits{PerListener: 3, Total: 5, Descriptors: 7, Backends: 3})
		c := &clients{gate: g, doors: [2]*Door{g.Door(80), g.Door(443)}}
		for i, op := range ops {
			if !c.step(op) {
				t.Fatalf("step %d: a wrong answer with %d and %d in, %d borrowed, %d files", i, len(c.in[0]), len(c.in[1]), c.borrowed, c.files)
			}
			if g.doors[80].Open() != len(c.in[0]) || g.doors[443].Open() != len(c.in[1]) || int(g.backends.Load()) != c.borrowed ||
				int(g.descriptors.Load()) != len(c.in[0])+len(c.in[1])+c.borrowed+c.files || int(g.clients.Load()) != len(c.in[0])+len(c.in[1]) {
				t.Fatalf("step %d: wrong counts", i)
			}
		}
		for why, n := range g.Stats().Refused {
			if n != c.refused[why] {
				t.Errorf("%d refused as %s, want %d", n, why, c.refused[why])
			}
		}
	})
}

// closing counts how often it was closed.
type closing struct{ n int }

func (c *closing) Close() error { c.n++; return nil }

// FuzzRoom compares a Room with a queue: who is sent away is the one that waits
// longest, once, and never somebody who has left.
func FuzzRoom(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x01\x01\x02"))
	f.Add([]byte("\x00\x11\x00\x00\x00\x21\x00\x02\x00"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		const most = 3
		r := NewRoom(NewGate(Limits{}), most)
		var places []*Place
		var conns []*closing
		var queue []int
		closed := false
		for i, op := range ops {
			switch op & 3 {
			case 0:
				c := &closing{}
				p := r.Enter(c)
				if (p == nil) != closed {
					t.Fatalf("step %d: entered %v", i, p != nil)
				} else if closed {
					continue
				}
				places, conns = append(places, p), append(conns, c)
				if queue = append(queue, len(conns)-1); len(queue) > most {
					if conns[queue[0]].n != 1 {
						t.Fatalf("step %d: the first one stays", i)
					}
					queue = queue[1:]
				}
			case 1:
				if len(places) == 0 {
					continue
				}
				at, stayed := int(op>>2)%len(places), false
				for j, q := range queue {
					if stayed = q == at; stayed {
						queue = append(queue[:j:j], queue[j+1:]...)
						break
					}
				}
				if got := r.Leave(places[at]); got != stayed {
					t.Fatalf("step %d: left %v, want %v", i, got, stayed)
				}
			case 2:
				closed, queue = true, nil
				r.Close()
			}
			if r.Size() != len(queue) {
				t.Fatalf("step %d: %d in the room, want %d", i, r.Size(), len(queue))
			}
			for _, q := range queue {
				if conns[q].n != 0 {
					t.Fatalf("step %d: who is in the room was closed", i)
				}
			}
		}
		for i, c := range conns {
			if c.n > 1 {
				t.Errorf("connection %d was closed %d times", i, c.n)
			}
		}
	})
}

// FuzzGroups reads what the kernel says of a process's cgroups: the folders that
// come of it lie within the hierarchy's, and end with its root.
func FuzzGroups(f *testing.F) {
	f.Add("0::/kubepods/pod1/a\n")
	f.Add("12:memory:/a\n3:cpu,cpuacct:/b\n0::/\n")
	f.Add("0::/../../other\n")
	f.Fuzz(func(t *testing.T, own string) {
		roots, lines := 0, 0
		for _, g := range groups("/root/of", own) {
			if g.folder != "/root/of" && !strings.HasPrefix(g.folder, "/root/of/") || path.Clean(g.folder) != g.folder {
				t.Errorf("%q leads to %q", own, g.folder)
			}
			if g.folder == "/root/of" || g.folder == "/root/of/memory" && g.limit == "memory.limit_in_bytes" {
				roots++
			}
		}
		for line := range strings.Lines(own) {
			if fields := strings.SplitN(strings.TrimSpace(line), ":", 3); len(fields) == 3 && (fields[1] == "" || fields[1] == "memory") {
				lines++
			}
		}
		if roots < lines {
			t.Errorf("%d hierarchies of %d lines in %q", roots, lines, own)
		}
	})
}
