package delivery_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/edition"
)

// What is stored by what is told to differ is the configuration that was given, also when
// some editions were not, and though the lists are changed where they lie.
func TestWhatDiffersIsStored(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(1, 2))
	s := &sequence{config: routes(300), edition: edition.New(), random: random}
	for i := range 120 {
		s.step()
		if random.IntN(6) == 0 {
			continue
		}
		if _, err := w.writer.Config(t.Context(), w.owner, name, s.config, s.edition); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(sorted(s.config), sorted(w.whole()), cmpopts.IgnoreUnexported(proxyconfig.Config{})); diff != "" {
			t.Fatalf("step %d stored another one (-want +got):\n%s", i, diff)
		}
	}
	if _, err := w.writer.Config(t.Context(), w.owner, name, s.config, s.edition); err != nil {
		t.Fatal(err)
	}
	again, err := w.writer.Config(t.Context(), w.owner, name, s.config, s.edition)
	if err != nil || again.Written || again.Encoded+again.Parts > 0 {
		t.Errorf("storing it again is %+v, %v", again, err)
	}
}

// sequence are editions of one configuration.
type sequence struct {
	config  *proxyconfig.Config
	edition *edition.Edition
	random  *rand.Rand
}

func (s *sequence) step() {
	differs := &proxyconfig.Config{}
	for range 1 + s.random.IntN(4) {
		s.route(differs)
		s.backend(differs)
	}
	if s.random.IntN(10) == 0 {
		s.config.Listeners = []proxyconfig.Listener{{Name: "http", Port: int32(1 + s.random.IntN(9)), Protocol: proxyconfig.HTTP}}
		differs.Listeners = s.config.Listeners
	}
	s.edition = s.edition.Next(differs)
}

// route changes a route, or has it come or go.
func (s *sequence) route(differs *proxyconfig.Config) {
	at := s.random.IntN(len(s.config.Routes))
	route := s.config.Routes[at]
	switch s.random.IntN(3) {
	case 0:
		route.CreatedAt = s.random.Int64()
		s.config.Routes[at] = route
	case 1:
		s.config.Routes = slices.Delete(s.config.Routes, at, at+1)
	case 2:
		route.Name += "-more"
		if to, taken := slices.BinarySearchFunc(s.config.Routes, route, byName); !taken {
			s.config.Routes = slices.Insert(s.config.Routes, to, route)
		}
	}
	differs.Routes = append(differs.Routes, route)
}

func (s *sequence) backend(differs *proxyconfig.Config) {
	backend := &s.config.Backends[s.random.IntN(len(s.config.Backends))]
	backend.Endpoints = []proxyconfig.Endpoint{{Address: "10.0.0.1", Port: int32(1 + s.random.IntN(9))}}
	differs.Backends = append(differs.Backends, *backend)
}

func byName(a, b proxyconfig.Route) int { return cmp.Compare(a.Name, b.Name) }

func sorted(c *proxyconfig.Config) *proxyconfig.Config {
	return &proxyconfig.Config{
		Listeners: c.Listeners,
		Routes:    slices.SortedFunc(slices.Values(c.Routes), byName),
		Backends:  slices.SortedFunc(slices.Values(c.Backends), func(a, b proxyconfig.Backend) int { return cmp.Compare(a.ID, b.ID) }),
	}
}
