//go:build !race

// One goroutine encodes and decodes here, which takes minutes under the race detector.

package delivery_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// history is a configuration that changes.
type history struct {
	random *rand.Rand
	config *proxyconfig.Config
	// made counts the routes that there were.
	made int
}

func newHistory(seed uint64, n int) *history {
	return &history{random: rand.New(rand.NewPCG(seed, 0)), config: routes(n), made: n}
}

// step changes a few routes and endpoints. What it does not change stays in its memory,
// as it does in a translation.
func (h *history) step() {
	next := &proxyconfig.Config{Listeners: h.config.Listeners, Routes: slices.Clone(h.config.Routes), Backends: slices.Clone(h.config.Backends)}
	for range 1 + h.random.IntN(4) {
		switch at := h.random.IntN(len(next.Routes)); h.random.IntN(4) {
		case 0:
			next.Routes[at].Rules = slices.Clone(next.Routes[at].Rules)
			next.Routes[at].Rules[0].Name = fmt.Sprint("rule-", h.random.IntN(1000))
		case 1:
			next.Routes = slices.Delete(next.Routes, at, at+1)
		case 2:
			h.made++
			next.Routes = append(next.Routes, routes(h.made).Routes[h.made-1])
		default:
			b := &next.Backends[h.random.IntN(len(next.Backends))]
			b.Endpoints = []proxyconfig.Endpoint{{Address: fmt.Sprintf("10.9.9.%d", h.random.IntN(250)), Port: 1}}
		}
	}
	h.config = next
}

// Whatever changes one after the other, what is stored is what holds now, each write
// of it is small, and parts are written now and then.
func TestHistoriesAreStored(t *testing.T) {
	for seed := range uint64(2) {
		w := newWorld(t)
		h := newHistory(seed, 600)
		w.put(h.config)
		parts, steps := 0, 100
		for i := range steps {
			h.step()
			result := w.put(h.config)
			parts += result.Parts
			if result.Parts > 4 {
				t.Errorf("step %d writes %d parts", i, result.Parts)
			}
			if want, got := ordered(h.config), ordered(w.whole()); !reflect.DeepEqual(want, got) {
				t.Fatalf("history %d, step %d: stored (-want +got):\n%s", seed, i, gocmp.Diff(want, got, cmpopts.IgnoreUnexported(proxyconfig.Config{})))
			}
			if again := w.put(h.config); again.Written || again.Parts != 0 || again.Hash != result.Hash {
				t.Fatalf("the same again is %+v after %+v", again, result)
			}
			if i == steps/2 {
				// Who does not know what is stored stores it anew.
				w.restart()
				if result := w.put(h.config); result.Repaired != "" {
					t.Errorf("after a restart got %+v", result)
				}
			}
		}
		if parts == 0 || parts > steps {
			t.Errorf("%d parts were written in %d steps", parts, steps)
		}
	}
}

// ordered is a configuration by its items alone, wherever they lie.
func ordered(c *proxyconfig.Config) *proxyconfig.Config {
	out := &proxyconfig.Config{Listeners: c.Listeners, Routes: slices.Clone(c.Routes), Backends: slices.Clone(c.Backends)}
	slices.SortFunc(out.Routes, func(a, b proxyconfig.Route) int { return strings.Compare(a.ID(), b.ID()) })
	slices.SortFunc(out.Backends, func(a, b proxyconfig.Backend) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
