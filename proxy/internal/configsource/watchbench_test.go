package configsource

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// stream plays an API server that has one ConfigMap, of which the watch brings events.
type stream struct{ events io.ReadCloser }

// RoundTrip implements http.RoundTripper.
func (s stream) RoundTrip(r *http.Request) (*http.Response, error) {
	body := io.NopCloser(strings.NewReader("{}"))
	if r.URL.Query().Get("watch") != "" {
		body = s.events
	}
	return &http.Response{StatusCode: http.StatusOK, Body: body, Request: r}, nil
}

// modified is the event of a version of the ConfigMap, as the API server writes it.
func modified(b *testing.B, version int, document []byte) []byte {
	event, err := json.Marshal(map[string]any{"type": "MODIFIED", "object": map[string]any{
		"kind": "ConfigMap", "apiVersion": "v1",
		"metadata": map[string]any{
			"name": "config", "namespace": "ns", "uid": ownUID, "resourceVersion": fmt.Sprint(version),
			"managedFields": []any{map[string]any{"manager": "fleetgate", "operation": "Update", "fieldsV1": map[string]any{"f:data": map[string]any{"f:config.json": map[string]any{}}}}},
		},
		"data": map[string]string{proxyconfig.ConfigKey: string(document)},
	}})
	if err != nil {
		b.Fatal(err)
	}
	return event
}

// recent is the same in the same parts, with every hundredth route and backend in the
// index, as it is among changes.
func (s *stored) recent(b *testing.B, revision int64, n int, weight int32) []byte {
	l := proxyconfig.Layout{Parts: s.index.Parts}
	beside := map[string][]int{}
	for i, whole := 0, sets(n, 1); i < n; i += 100 {
		route, backend := whole.Routes[i], whole.Backends[i]
		if i == 0 {
			route.Rules[0].Backends[0].Weight = weight
		}
		l.Routes, l.Backends = append(l.Routes, route), append(l.Backends, backend)
		for _, of := range []struct {
			kind  proxyconfig.PartKind
			count int
		}{{proxyconfig.PartRoutes, proxyconfig.RouteParts}, {proxyconfig.PartBackends, proxyconfig.BackendParts}} {
			name := proxyconfig.PartName(of.kind, i%of.count)
			beside[name] = append(beside[name], i/of.count)
		}
	}
	for _, p := range l.Parts {
		if items := beside[p.Name()]; items != nil {
			l.Superseded = append(l.Superseded, proxyconfig.Superseded{Part: p.Name(), Items: items})
		}
	}
	document, _, err := proxyconfig.EncodeIndex(proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: ownUID}, revision, &proxyconfig.Config{}, l)
	if err != nil {
		b.Fatal(err)
	}
	return document
}

// BenchmarkWatchedChanges is what a changed route costs from the event of the watch to
// the copy that is kept of what serves then, where nothing is to be fetched.
func BenchmarkWatchedChanges(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newStory(b)
			saved := SavedConfig{Dir: b.TempDir()}
			s.c.options.Save = saved.Save
			of := divide(b, ownUID, 1, n, nil)
			s.sees(Watch, of)
			events, send := io.Pipe()
			w := &WatchedConfig{
				Client: &KubeClient{BaseURL: "http://api", Namespace: "ns", HTTP: &http.Client{Transport: stream{events}}}, ConfigMap: "config",
				Serving: s.c.Serving, Random: func() float64 { return 0 }, Log: logr.Discard(),
			}
			out := make(chan Observation)
			go w.Run(b.Context(), out)
			var versions [][]byte
			for i := range 2 {
				versions = append(versions, modified(b, i, of.recent(b, int64(i+2), n, int32(i+2))))
			}
			b.ReportMetric(float64(len(versions[0])), "event-bytes")
			b.ReportAllocs()
			for i := 1; b.Loop(); i++ {
				// The same two versions are news again and again.
				s.c.document.Revision = 1
				go send.Write(versions[i%2])
				s.c.Observe(<-out)
			}
			if status := s.c.Status(); status.Snapshot.Compiled != 1 || status.SaveErrors > 0 {
				b.Errorf("%d routes were compiled, and %d errors came while saving", status.Snapshot.Compiled, status.SaveErrors)
			}
		})
	}
}
