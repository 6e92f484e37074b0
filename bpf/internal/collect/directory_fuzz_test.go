package collect

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// names is a plain directory of what identifiers stand for.
type names struct {
	label map[uint32]string
	// left is when the proxy has removed them.
	left map[uint32]time.Time
}

func newNames() *names { return &names{map[uint32]string{}, map[uint32]time.Time{}} }

// replace returns those that stand for something else now.
func (n *names) replace(next map[uint32]string, now time.Time) map[uint32]bool {
	gone := map[uint32]bool{}
	for id, old := range n.label {
		if label, ok := next[id]; ok && label != old {
			gone[id] = true
		} else if _, before := n.left[id]; !ok && !before {
			n.left[id] = now
		}
	}
	for id, label := range next {
		n.label[id] = label
		delete(n.left, id)
	}
	return gone
}

func (n *names) expire(now time.Time) map[uint32]bool {
	gone := map[uint32]bool{}
	for id, at := range n.left {
		if !now.Before(at.Add(grace)) {
			gone[id] = true
			delete(n.left, id)
			delete(n.label, id)
		}
	}
	return gone
}

// of returns the name of an identifier.
func (n *names) of(id uint32) string {
	if label, ok := n.label[id]; ok {
		return label
	}
	return other
}

// idsOf draws identifiers and what they stand for from two bytes: a bit for each
// of eight, and what the names have in common.
func idsOf(bits, common byte) map[uint32]string {
	out := map[uint32]string{}
	for id := range uint32(8) {
		if bits>>id&1 != 0 {
			out[id] = fmt.Sprint("n", common%3, id/2)
		}
	}
	return out
}

// FuzzDirectory has tables come, names go and time pass, and compares the
// directory with a plain one: identifiers keep their names for a while after they
// were removed, and are forgotten once, or when they stand for something else.
func FuzzDirectory(f *testing.F) {
	f.Add([]byte("\x00\x07\x00\x00\x03\x00\x01\x7f\x00\x00\x03\x00\x01\xff\x00"))
	f.Add([]byte("\x00\xff\x01\x00\xff\x02\x01\x10\x00\x00\x00\x00\x02\x00\x00"))
	f.Add([]byte("\x00\x0f\x00\x00\x00\x00\x00\x0f\x00\x01\xff\x00"))
	f.Fuzz(func(t *testing.T, ops []byte) {
		var d Directory
		series, backends, now := newNames(), newNames(), time.Unix(1000, 0)
		for ; len(ops) >= 3; ops = ops[3:] {
			var got Gone
			wantSeries, wantBackends := map[uint32]bool{}, map[uint32]bool{}
			switch ops[0] % 3 {
			case 0:
				s, b := idsOf(ops[1], ops[2]), idsOf(ops[2], ops[1])
				wantSeries, wantBackends = series.replace(s, now), backends.replace(b, now)
				got = d.Replace(tablesOf(s, b), now)
			case 1:
				now = now.Add(time.Duration(ops[1]) * time.Second)
				wantSeries, wantBackends = series.expire(now), backends.expire(now)
				got = d.Expire(now)
			case 2:
				series, backends = newNames(), newNames()
				d.Reset()
			}
			if !maps.Equal(got.Series, wantSeries) || !maps.Equal(got.Backends, wantBackends) || got.Empty() != (len(wantSeries)+len(wantBackends) == 0) {
				t.Fatalf("gone are %+v, want %v and %v", got, wantSeries, wantBackends)
			}
			for id := range uint32(9) {
				if d.route(id).rule != series.of(id) || d.backend(id) != backendLabel(backends.of(id)) {
					t.Fatalf("%d is %+v and %s, want %s and %s", id, d.route(id), d.backend(id), series.of(id), backends.of(id))
				}
			}
		}
	})
}

func backendLabel(name string) string {
	if name == other {
		return other
	}
	return "ns/" + name + ":80"
}

func tablesOf(series, backends map[uint32]string) *probe.Tables {
	t := &probe.Tables{}
	for id, name := range series {
		t.Series = append(t.Series, probe.Series{ID: id, Rule: name})
	}
	for id, name := range backends {
		t.Backends = append(t.Backends, probe.Backend{ID: id, Namespace: "ns", Service: name, Port: 80})
	}
	return t
}
