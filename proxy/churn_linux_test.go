package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// churn is a configuration of many routes with a Service each, of which one after the
// other changes: what is recent lies in the index, and the rest in parts.
type churn struct {
	c        *child
	dir      string
	revision int64
	whole    proxyconfig.Config
	parts    map[string]proxyconfig.Part
	// recent are the numbers of what lies in the index, by the part that it is not in.
	recent map[string][]int
}

const churned = 5000

func newChurn(c *child, dir string, port, backend int) *churn {
	w := &churn{c: c, dir: dir, parts: map[string]proxyconfig.Part{}, recent: map[string][]int{}}
	w.whole.Listeners = []proxyconfig.Listener{{Name: "web", Port: int32(port), Protocol: proxyconfig.HTTP}}
	for i := range churned {
		namespace := fmt.Sprintf("team-%03d", i%100)
		id := fmt.Sprintf("%s/service-%04d:80", namespace, i)
		w.whole.Backends = append(w.whole.Backends, proxyconfig.Backend{
			ID: id, Namespace: namespace, Service: fmt.Sprintf("service-%04d", i), Port: 80, Protocol: proxyconfig.BackendHTTP1,
			Endpoints: []proxyconfig.Endpoint{{Address: "127.0.0.1", Port: int32(backend)}},
		})
		w.whole.Routes = append(w.whole.Routes, proxyconfig.Route{
			Kind: "HTTPRoute", Namespace: namespace, Name: fmt.Sprintf("route-%04d", i), CreatedAt: 1700000000,
			Attachments: []proxyconfig.Attachment{{Listener: "web", Hostnames: []string{fmt.Sprintf("app-%04d.example.com", i)}}},
			Rules: []proxyconfig.Rule{{
				Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/"}}},
				Backends: []proxyconfig.BackendRef{{Backend: id, Weight: 1}},
			}},
		})
	}
	for _, name := range proxyconfig.PartNames() {
		w.fold(name)
	}
	w.write()
	return w
}

// members are the numbers of what a part has.
func members(name string) (numbers []int) {
	kind, number := partOf(name)
	count := map[proxyconfig.PartKind]int{proxyconfig.PartRoutes: proxyconfig.RouteParts, proxyconfig.PartBackends: proxyconfig.BackendParts}[kind]
	for i := number; count > 0 && i < churned; i += count {
		numbers = append(numbers, i)
	}
	return numbers
}

// fold encodes a part anew.
func (w *churn) fold(name string) {
	kind, number := partOf(name)
	f := &proxyconfig.Config{}
	switch {
	case name == "listeners-0":
		f.Listeners = w.whole.Listeners
	case kind == proxyconfig.PartRoutes:
		for _, i := range members(name) {
			f.Routes = append(f.Routes, w.whole.Routes[i])
		}
	case kind == proxyconfig.PartBackends:
		for _, i := range members(name) {
			f.Backends = append(f.Backends, w.whole.Backends[i])
		}
	}
	part, data, err := proxyconfig.EncodePart(kind, number, f)
	if err != nil {
		w.c.t.Fatal(err)
	}
	w.parts[name] = part
	delete(w.recent, name)
	w.c.replace(filepath.Join(w.dir, part.Key()), data)
}

// change notes that something of a part has changed, and writes.
func (w *churn) change(kind proxyconfig.PartKind, count, i int) {
	name := proxyconfig.PartName(kind, i%count)
	if !slices.Contains(w.recent[name], i) {
		w.recent[name] = append(w.recent[name], i)
		slices.Sort(w.recent[name])
	}
	most, total := name, 0
	for other, numbers := range w.recent {
		total += len(numbers)
		if len(numbers) > len(w.recent[most]) {
			most = other
		}
	}
	if total > 50 {
		w.fold(most)
	}
	w.write()
}

func (w *churn) write() {
	w.revision++
	var layout proxyconfig.Layout
	for _, name := range proxyconfig.PartNames() {
		layout.Parts = append(layout.Parts, w.parts[name])
		var gone []int
		for _, i := range w.recent[name] {
			gone = append(gone, slices.Index(members(name), i))
			if strings.HasPrefix(name, "routes") {
				layout.Routes = append(layout.Routes, w.whole.Routes[i])
			} else {
				layout.Backends = append(layout.Backends, w.whole.Backends[i])
			}
		}
		if gone != nil {
			layout.Superseded = append(layout.Superseded, proxyconfig.Superseded{Part: name, Items: gone})
		}
	}
	index, _, err := proxyconfig.EncodeIndex(proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: "uid"}, w.revision, &w.whole, layout)
	if err != nil {
		w.c.t.Fatal(err)
	}
	w.c.replace(filepath.Join(w.dir, proxyconfig.ConfigKey), index)
}

// move gives a route another path, and its Service another endpoint, in two writes.
func (w *churn) move(i int, path string) {
	route, backend := &w.whole.Routes[i], &w.whole.Backends[i]
	route.Rules = slices.Clone(route.Rules)
	route.Rules[0].Matches = []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: path}}}
	w.change(proxyconfig.PartRoutes, proxyconfig.RouteParts, i)
	backend.Endpoints = []proxyconfig.Endpoint{backend.Endpoints[0], {Address: "127.0.0.1", Port: int32(i + 1), Terminating: true}}
	w.change(proxyconfig.PartBackends, proxyconfig.BackendParts, i)
}

// status is what a path of a route is answered with.
func (w *churn) status(i int, path string) int {
	r, err := http.NewRequest(http.MethodGet, "http://"+w.c.plain+path, nil)
	if err != nil {
		w.c.t.Fatal(err)
	}
	r.Host = fmt.Sprintf("app-%04d.example.com", i)
	answer, err := w.c.client.Do(r)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// Each of many changes among 5,000 routes is served, and leaves no memory behind.
func TestChangesAmongManyRoutesLeaveNothingBehind(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's own memory is many times that of the proxy")
	}
	const changes, most = 150, 64 << 20
	var w *churn
	c := startWith(t, func(http.ResponseWriter, *http.Request) {}, func(c *child, dir string, ports []int, backend int) {
		w = newChurn(c, dir, ports[0], backend)
	}, nil)
	before := c.cpu()
	for n := range changes {
		i := n * 7 % churned
		w.move(i, "/moved")
		c.eventually(fmt.Sprintf("change %d is served", n), func() bool { return w.status(i, "/") == http.StatusNotFound })
		if got := w.status(i, "/moved"); got != http.StatusOK {
			t.Fatalf("after change %d its path is answered %d", n, got)
		}
	}
	used := c.cpu() - before
	if got := w.status(churned-1, "/"); got != http.StatusOK {
		t.Errorf("a route that did not change answers %d", got)
	}
	c.eventually("what changes left behind is given back", func() bool { return c.resident() <= most })
	t.Logf("%v for each change; %d MiB, %d of them anonymous, %d at the peak", used/(2*changes), c.resident()>>20, c.anonymous()>>20, c.peak()>>20)
}
