package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/proxy/internal/configsource"
)

// apiServer streams the versions of one ConfigMap, and knows no other object.
func apiServer(t *testing.T, documents <-chan string) *configsource.KubeClient {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("watch") == "" || !strings.HasSuffix(r.URL.Path, "/namespaces/ns/configmaps") {
			http.NotFound(w, r)
			return
		}
		w.(http.Flusher).Flush()
		for version := 1; ; version++ {
			select {
			case <-r.Context().Done():
				return
			case document := <-documents:
				json.NewEncoder(w).Encode(map[string]any{"type": "MODIFIED", "object": map[string]any{
					"metadata": map[string]any{"resourceVersion": fmt.Sprint(version)},
					"data":     map[string]string{"config.json": document},
				}})
				w.(http.Flusher).Flush()
			}
		}
	}))
	t.Cleanup(s.Close)
	return &configsource.KubeClient{BaseURL: s.URL, Namespace: "ns", HTTP: s.Client()}
}

func TestWatchedConfigurationServesBeforeTheMount(t *testing.T) {
	documents := make(chan string)
	i := newInstance(t)
	i.watch = Watch{ConfigMap: "gw-config", Secrets: []string{"gw-certs-0"}, Client: apiServer(t, documents)}
	i.start()
	for revision, name := range []string{"first", "second", "third"} {
		documents <- string(i.document(int64(revision+1), map[string]int32{backend(t, name): 1}))
		i.await(i.url(), name)
	}
	// The mount follows a minute later, and is no news by then.
	i.write(2, map[string]int32{backend(t, "late"): 1})
	documents <- string(i.document(4, map[string]int32{backend(t, "fourth"): 1}))
	i.await(i.url(), "fourth")
	i.stop()
}
