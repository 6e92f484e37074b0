package delivery_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
)

// routes are a configuration of n routes with a backend each.
func routes(n int) *proxyconfig.Config {
	c := listener(80)
	for i := range n {
		id := fmt.Sprintf("tenant/service-%05d:80", i)
		c.Routes = append(c.Routes, proxyconfig.Route{
			Kind: "HTTPRoute", Namespace: "tenant", Name: fmt.Sprintf("route-%05d", i), CreatedAt: int64(i),
			Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{fmt.Sprintf("h%d.example.com", i)}}},
			Rules: []proxyconfig.Rule{{
				Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: fmt.Sprintf("/%d", i)}}},
				Backends: []proxyconfig.BackendRef{{Backend: id, Weight: 1}},
			}},
		})
		c.Backends = append(c.Backends, proxyconfig.Backend{
			ID: id, Namespace: "tenant", Service: fmt.Sprintf("service-%05d", i), Port: 80, Protocol: proxyconfig.BackendHTTP1,
			Endpoints: []proxyconfig.Endpoint{{Address: fmt.Sprintf("10.%d.%d.1", i/256, i%256), Port: 8080}},
		})
	}
	return c
}

// whole puts together what a reader of the stored index finds.
func (w *world) whole() *proxyconfig.Config {
	w.t.Helper()
	_, index := w.stored()
	fragments := proxyconfig.Fragments{}
	for _, p := range index.Parts {
		fragment, _, err := proxyconfig.DecodePart(p, w.part(p.Name()).BinaryData[p.Key()])
		if err != nil {
			w.t.Fatalf("part %s: %v", p.Name(), err)
		}
		fragments[p] = fragment
	}
	config, err := proxyconfig.Assemble(index, fragments)
	if err != nil {
		w.t.Fatal(err)
	}
	return &proxyconfig.Config{
		Listeners: flat(config.ListenerPieces()), Routes: flat(config.RoutePieces()), Backends: flat(config.BackendPieces()),
	}
}

func flat[T any](pieces proxyconfig.Pieces[T]) (all []T) {
	for item := range pieces.All() {
		all = append(all, *item)
	}
	return all
}

func partKey(part string) types.NamespacedName {
	return types.NamespacedName{Namespace: "tenant", Name: name + "-" + part}
}

func (w *world) part(part string) *corev1.ConfigMap {
	w.t.Helper()
	live := &corev1.ConfigMap{}
	if err := w.api.Get(w.t.Context(), partKey(part), live); err != nil {
		w.t.Fatal(err)
	}
	return live
}

// One changed route, and one changed endpoint, cost the same however many there
// are: the index is written, and no part.
func TestChangeCostsOneWrite(t *testing.T) {
	for _, n := range []int{400, 4000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t)
			first := w.put(routes(n))
			if !first.Written || first.Parts != first.Encoded || first.Parts < 20 {
				t.Fatalf("at first got %+v", first)
			}
			if again := w.put(routes(n)); again.Written || again.Encoded+again.Parts+again.Bytes != 0 || again.Hash != first.Hash {
				t.Errorf("without a change got %+v", again)
			}
			changed := routes(n)
			changed.Routes[7].Rules[0].Backends[0].Weight = 2
			result := w.put(changed)
			if !result.Written || result.Encoded != 0 || result.Parts != 0 || result.Bytes > 10<<10 {
				t.Errorf("a route costs %+v", result)
			}
			if got := w.whole(); len(got.Routes) != n || len(got.Backends) != n {
				t.Errorf("stored %d routes and %d backends", len(got.Routes), len(got.Backends))
			}
			_, before := w.stored()
			changed.Backends = slices.Clone(changed.Backends)
			changed.Backends[3].Endpoints = append(slices.Clone(changed.Backends[3].Endpoints), proxyconfig.Endpoint{Address: "10.9.9.9", Port: 1})
			if result = w.put(changed); !result.Written || result.Encoded != 0 || result.Parts != 0 || result.Bytes > 10<<10 {
				t.Errorf("an endpoint costs %+v", result)
			}
			if _, after := w.stored(); !slices.Equal(after.Parts, before.Parts) {
				t.Error("an endpoint changes a part")
			}
		})
	}
}

// The parts of the index before stay readable until the one after has come.
func TestPartsOfTheIndexBeforeStayReadable(t *testing.T) {
	w := newWorld(t)
	w.put(routes(500))
	_, before := w.stored()
	changed := routes(500)
	for i := range changed.Routes {
		changed.Routes[i].CreatedAt += 1000
	}
	w.put(changed)
	for _, p := range before.Parts {
		if _, _, err := proxyconfig.DecodePart(p, w.part(p.Name()).BinaryData[p.Key()]); err != nil {
			t.Errorf("part %s: %v", p.Name(), err)
		}
	}
	w.put(routes(499))
	for _, p := range before.Parts {
		if n := len(w.part(p.Name()).BinaryData); n > 2 {
			t.Errorf("part %s is there in %d versions", p.Name(), n)
		}
	}
}

// What this process has stored is read by nobody: neither for a change, nor for the
// versions of parts that stay. One that finds it there reads each object once, and what
// somebody has touched is read alone.
func TestOnlyWhatOthersWroteIsRead(t *testing.T) {
	w := newWorld(t)
	put := func(what string, config *proxyconfig.Config, reads int) delivery.ConfigResult {
		t.Helper()
		w.live.reads = 0
		result := w.put(config)
		if w.live.reads != reads {
			t.Errorf("%s takes %d reads of the API server, want %d", what, w.live.reads, reads)
		}
		return result
	}
	put("a new configuration", routes(500), 0)
	if result := put("a burst", routes(1000), 0); result.Parts == 0 {
		t.Errorf("a burst is %+v", result)
	}
	_, before := w.stored()
	if result := put("another one", routes(1500), 0); result.Parts == 0 {
		t.Errorf("another one is %+v", result)
	}
	for _, p := range before.Parts {
		if _, _, err := proxyconfig.DecodePart(p, w.part(p.Name()).BinaryData[p.Key()]); err != nil {
			t.Errorf("part %s of the index before: %v", p.Name(), err)
		}
	}
	_, index := w.stored()
	w.restart()
	put("a restart", routes(1500), 1+len(index.Parts))
	put("the same again", routes(1500), 0)
	w.edit(func(c *corev1.ConfigMap) { c.Data["more"] = "x" })
	put("an edit", routes(1500), 1)
	put("the same again", routes(1500), 0)
}

func TestDamagedPartIsRepaired(t *testing.T) {
	damages := map[string]func(*world, string){
		"edited": func(w *world, part string) {
			live := w.part(part)
			for key := range live.BinaryData {
				live.BinaryData[key] = []byte("nonsense")
			}
			w.must(w.api.Update(w.t.Context(), live))
		},
		"deleted": func(w *world, part string) { w.must(w.api.Delete(w.t.Context(), w.part(part))) },
	}
	for damage, do := range damages {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprint(damage, " restarted ", restarted), func(t *testing.T) {
				w := newWorld(t)
				before := w.put(routes(500))
				do(w, "routes-4")
				if restarted {
					w.restart()
				}
				result := w.put(routes(500))
				if result.Parts != 1 || result.Written || result.Hash != before.Hash || !strings.Contains(result.Repaired, "routes-4") {
					t.Errorf("got %+v", result)
				}
				if got := w.whole(); len(got.Routes) != 500 {
					t.Errorf("stored %d routes", len(got.Routes))
				}
			})
		}
	}
}

func TestPartsGoWithTheSize(t *testing.T) {
	w := newWorld(t)
	w.put(listener(80))
	w.put(routes(500))
	w.restart()
	if result := w.put(routes(500)); result.Written || result.Parts != 0 {
		t.Errorf("after a restart got %+v", result)
	}
	w.put(listener(80))
	for _, part := range proxyconfig.PartNames() {
		if err := w.api.Get(t.Context(), partKey(part), &corev1.ConfigMap{}); !apierrors.IsNotFound(err) {
			t.Errorf("part %s is still there: %v", part, err)
		}
	}
	if got := w.whole(); len(got.Listeners) != 1 || len(got.Routes) != 0 {
		t.Errorf("stored %+v", got)
	}
}

func TestForeignPartIsLeftAlone(t *testing.T) {
	theirs := &corev1.ConfigMap{Data: map[string]string{"theirs": "yes"}}
	theirs.Namespace, theirs.Name = "tenant", partKey("routes-0").Name
	w := newWorld(t, theirs)
	_, err := w.writer.Config(t.Context(), w.owner, name, routes(500), nil)
	if foreign, ok := errors.AsType[*delivery.ForeignError](err); !ok || foreign.Conflict.Name != theirs.Name {
		t.Errorf("got %v", err)
	}
	if w.part("routes-0").Data["theirs"] != "yes" {
		t.Error("the foreign ConfigMap was changed")
	}
	if err := w.api.Get(t.Context(), client.ObjectKey{Namespace: "tenant", Name: name}, &corev1.ConfigMap{}); !apierrors.IsNotFound(err) {
		t.Errorf("an index was stored whose part is not there: %v", err)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// BenchmarkOneRouteChanges is what a change of one route costs the Writer.
func BenchmarkOneRouteChanges(b *testing.B) {
	for _, n := range []int{1, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newWorld(nil)
			var bytes int
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				config := routes(n)
				config.Routes[0].CreatedAt = int64(i)
				result, err := w.writer.Config(b.Context(), w.owner, name, config, nil)
				if err != nil {
					b.Fatal(err)
				}
				bytes = result.Bytes
			}
			b.ReportMetric(float64(bytes), "bytes-written")
		})
	}
}
