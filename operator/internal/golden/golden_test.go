package golden_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/render"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

var update = flag.Bool("update", false, "rewrite the .out.yaml files of testdata")

// TestGolden takes every case through the whole pipeline, and compares what
// comes out with the files beside it.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob(filepath.Join("testdata", "*", "in.yaml"))
	if err != nil || len(inputs) == 0 {
		t.Fatalf("finding cases: %d found, error %v", len(inputs), err)
	}
	for _, input := range inputs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			for name, got := range run(t, input) {
				compare(t, filepath.Join(dir, name), got)
			}
		})
	}
}

func run(t *testing.T, input string) map[string][]byte {
	t.Helper()
	c := load(t, input)
	g := graph.Build(c.Resources, options())
	config := render.Config(g)
	checkServable(t, &config)
	c.Observed.Hash = hash(t, &config)
	if g.Gateway != nil {
		c.Observed.Refusals = g.Gateway.Refusals
	}

	out := make(map[string][]byte)
	out["status.out.yaml"] = must(golden.Status(status.Build(g, c.Observed)))(t)
	out["config.out.yaml"] = must(yaml.Marshal(config))(t)
	if c.Settings != nil {
		out["objects.out.yaml"] = must(golden.Objects(provision.Desired(g, *c.Settings).Objects))(t)
	}
	return out
}

func options() graph.Options {
	return graph.Options{ControllerName: golden.ControllerName, ReservedPorts: provision.ReservedPorts()}
}

// checkServable holds the graph to the contract's own validation: a proxy must
// refuse nothing but the rules, backends and filters of listeners that were
// rendered as invalid.
func checkServable(t *testing.T, config *proxyconfig.Config) {
	t.Helper()
	for _, refused := range proxyconfig.Validate(config) {
		known := false
		for i := range config.Routes {
			route := &config.Routes[i]
			known = known || (refused.Kind == proxyconfig.KindRule && refused.Name == route.ID() &&
				route.Rules[refused.Rule].Invalid != "")
		}
		for i := range config.Listeners {
			l := &config.Listeners[i]
			known = known || (refused.Kind == proxyconfig.KindListener && refused.Name == l.Name &&
				l.Filters != nil && l.Filters.Invalid != "")
		}
		for i := range config.Backends {
			backend := &config.Backends[i]
			known = known || (refused.Kind == proxyconfig.KindBackend && refused.Name == backend.ID &&
				backend.TLS != nil && backend.TLS.Invalid != "")
		}
		if !known {
			t.Errorf("a proxy refuses %s %s of a graph that finds nothing wrong with it: %s",
				refused.Kind, refused.Name, refused.Reason)
		}
	}
}

func compare(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (make it with -update)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), see -update:\n%s", path, diff)
	}
}

// TestOrderOfInputDoesNotMatter builds every case again from shuffled slices;
// maps come in another order by themselves.
func TestOrderOfInputDoesNotMatter(t *testing.T) {
	inputs, err := filepath.Glob(filepath.Join("testdata", "*", "in.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, input := range inputs {
		want := build(t, load(t, input))
		for seed := range int64(3) {
			c := load(t, input)
			shuffle(c, rand.New(rand.NewSource(seed)))
			if diff := cmp.Diff(want, build(t, c)); diff != "" {
				t.Errorf("%s, seed %d (-want +got):\n%s", input, seed, diff)
			}
		}
	}
}

func shuffle(c *golden.Case, random *rand.Rand) {
	grants := c.Resources.Grants
	random.Shuffle(len(grants), func(i, j int) { grants[i], grants[j] = grants[j], grants[i] })
	for _, list := range c.Resources.EndpointSlices {
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		for _, slice := range list {
			random.Shuffle(len(slice.Endpoints), func(i, j int) {
				slice.Endpoints[i], slice.Endpoints[j] = slice.Endpoints[j], slice.Endpoints[i]
			})
		}
	}
}

// build returns all output of a case as one text.
func build(t *testing.T, c *golden.Case) string {
	t.Helper()
	g := graph.Build(c.Resources, options())
	config := render.Config(g)
	c.Observed.Hash = hash(t, &config)
	if g.Gateway != nil {
		c.Observed.Refusals = g.Gateway.Refusals
	}
	parts := [][]byte{
		must(json.Marshal(config))(t),
		must(json.Marshal(render.CertificateSecrets(g)))(t),
		must(golden.Status(status.Build(g, c.Observed)))(t),
		must(golden.Objects(provision.Desired(g, provision.Settings{ServiceMonitor: true}).Objects))(t),
	}
	return string(bytes.Join(parts, []byte("\n")))
}

func hash(t *testing.T, config *proxyconfig.Config) string {
	t.Helper()
	return must(proxyconfig.Hash(config))(t)
}

func load(t *testing.T, path string) *golden.Case {
	t.Helper()
	data := must(os.ReadFile(path))(t)
	c, err := golden.Load(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return c
}

func must[T any](got T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}
