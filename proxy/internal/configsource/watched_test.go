package configsource

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

// apiServer plays the part of the API server that a proxy sees: single objects
// of one namespace, read and watched by name.
type apiServer struct {
	t    *testing.T
	http *httptest.Server

	mu      sync.Mutex
	version int
	objects map[string]map[string]any // by "resource/name"
	events  []event
	// oldest is the version before which watches are refused as expired.
	oldest  int
	token   string
	refuse  int // status for everything, when not zero
	changed chan struct{}
	// cut ends all watches that run.
	cut      chan struct{}
	requests []string
}

type event struct {
	key, kind string
	object    map[string]any
	version   int
}

func newAPIServer(t *testing.T) *apiServer {
	s := &apiServer{t: t, version: 100, objects: map[string]map[string]any{}, token: "t1",
		changed: make(chan struct{}), cut: make(chan struct{})}
	s.http = httptest.NewServer(s)
	t.Cleanup(s.http.Close)
	return s
}

// set stores an object and tells the watches; nil data deletes it.
func (s *apiServer) set(key string, data map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	kind := "ADDED"
	old, existed := s.objects[key]
	if existed {
		kind = "MODIFIED"
	}
	o := map[string]any{"metadata": map[string]any{"resourceVersion": fmt.Sprint(s.version)}, "data": data}
	s.objects[key] = o
	if data == nil {
		kind = "DELETED"
		old["metadata"] = map[string]any{"resourceVersion": fmt.Sprint(s.version)}
		o = old
		delete(s.objects, key)
	}
	s.events = append(s.events, event{key, kind, o, s.version})
	close(s.changed)
	s.changed = make(chan struct{})
}

// setBinary stores a ConfigMap that nobody watches, with base64 for its data.
func (s *apiServer) setBinary(key string, data map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.objects[key] = map[string]any{"metadata": map[string]any{"resourceVersion": fmt.Sprint(s.version)}, "binaryData": data}
}

// do changes the server's behaviour and cuts all watches.
func (s *apiServer) do(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.cut)
	s.cut = make(chan struct{})
}

// forget compacts the history.
func (s *apiServer) forget() { s.events, s.oldest = nil, s.version }

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v1/namespaces/ns/")
	s.mu.Lock()
	s.requests = append(s.requests, r.URL.String())
	refuse, token := s.refuse, s.token
	s.mu.Unlock()
	switch {
	case !ok:
		http.NotFound(w, r)
	case refuse != 0:
		w.WriteHeader(refuse)
		fmt.Fprint(w, `{"kind":"Status","message":"refused by the test"}`)
	case r.Header.Get("Authorization") != "Bearer "+token:
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Query().Get("watch") == "true":
		s.serveWatch(w, r, path)
	default:
		s.serveObject(w, path)
	}
}

func (s *apiServer) serveObject(w http.ResponseWriter, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[key]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(o)
}

func (s *apiServer) serveWatch(w http.ResponseWriter, r *http.Request, resource string) {
	name, ok := strings.CutPrefix(r.URL.Query().Get("fieldSelector"), "metadata.name=")
	if !ok {
		s.t.Error("a watch without a name, which the Role does not permit")
	}
	key := resource + "/" + name
	from := 0
	send := func(kind string, o any) {
		json.NewEncoder(w).Encode(map[string]any{"type": kind, "object": o})
		w.(http.Flusher).Flush()
	}
	s.mu.Lock()
	cut := s.cut
	version := r.URL.Query().Get("resourceVersion")
	if version == "" {
		from = s.version
		if o, ok := s.objects[key]; ok {
			send("ADDED", o)
		}
	} else {
		fmt.Sscan(version, &from)
	}
	expired := from < s.oldest
	s.mu.Unlock()
	if expired {
		send("ERROR", map[string]any{"code": 410, "reason": "Expired"})
		return
	}
	for {
		s.mu.Lock()
		changed := s.changed
		for _, e := range s.events {
			if e.version > from && e.key == key {
				send(e.kind, e.object)
			}
		}
		from = s.version
		send("BOOKMARK", map[string]any{"metadata": map[string]any{"resourceVersion": fmt.Sprint(from)}})
		s.mu.Unlock()
		select {
		case <-changed:
		case <-cut:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// lane starts a watched lane against the server.
func (s *apiServer) lane(secrets ...string) <-chan Observation {
	s.t.Helper()
	tokenFile := filepath.Join(s.t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte("t1\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	client := &KubeClient{BaseURL: s.http.URL, Namespace: "ns", TokenFile: tokenFile, HTTP: s.http.Client()}
	w := &WatchedConfig{Client: client, ConfigMap: "config", Secrets: secrets, Random: func() float64 { return 0 },
		// Attempts follow each other quickly, and a new token appears meanwhile.
		Pause: func(ctx context.Context, _ time.Duration) {
			s.mu.Lock()
			token := s.token
			s.mu.Unlock()
			if err := os.WriteFile(tokenFile, []byte(token), 0o600); err != nil {
				s.t.Error(err)
			}
			pause(ctx, time.Millisecond)
		},
		Log: logr.Discard()}
	out := make(chan Observation)
	ctx, cancel := context.WithCancel(s.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.Run(ctx, out) })
	s.t.Cleanup(func() { cancel(); wg.Wait() })
	return out
}

func config(text string) map[string]any { return map[string]any{"config.json": text, "other": "x"} }

func secret(text string) map[string]any {
	return map[string]any{"a.crt": []byte(text), "a.key": []byte("key of " + text)}
}

func TestWatchSeesEveryChange(t *testing.T) {
	s := newAPIServer(t)
	s.set("configmaps/config", config("one"))
	s.set("configmaps/another", config("not ours"))
	out := s.lane()
	await(t, out, "one")
	s.set("configmaps/config", config("two"))
	await(t, out, "two")
	s.set("configmaps/config", nil)
	await(t, out, "")
	s.set("configmaps/config", config("three"))
	await(t, out, "three")
}

func TestWatchBeginsBeforeTheObject(t *testing.T) {
	s := newAPIServer(t)
	out := s.lane()
	await(t, out, "")
	s.set("configmaps/config", config("late"))
	await(t, out, "late")
}

func TestWatchPutsSecretsTogether(t *testing.T) {
	s := newAPIServer(t)
	s.set("configmaps/config", config("one"))
	s.set("secrets/certs-1", map[string]any{"b.crt": []byte("B"), "b.key": []byte("k")})
	out := s.lane("certs-0", "certs-1")
	want := func(names string) {
		t.Helper()
		for {
			select {
			case o := <-out:
				got := ""
				for _, key := range []string{"a", "b"} {
					got += string(o.Certificates[key].Certificate)
				}
				if got == names && string(o.Document) == "one" {
					return
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("no observation with %q", names)
			}
		}
	}
	want("B")
	s.set("secrets/certs-0", secret("A"))
	want("AB")
	s.set("secrets/certs-0", secret("A2"))
	want("A2B")
	s.set("secrets/certs-0", nil)
	want("B")
}

func TestWatchSurvives(t *testing.T) {
	tests := []struct {
		name string
		// hurt happens while the object changes from "one" to "two".
		hurt func(s *apiServer)
		heal func(s *apiServer)
	}{
		{"a cut", func(*apiServer) {}, func(*apiServer) {}},
		{"an outage", func(s *apiServer) { s.refuse = http.StatusServiceUnavailable }, func(s *apiServer) { s.refuse = 0 }},
		{"rights that come later", func(s *apiServer) { s.refuse = http.StatusForbidden }, func(s *apiServer) { s.refuse = 0 }},
		{"a watch that is refused as gone", func(s *apiServer) { s.refuse = http.StatusGone }, func(s *apiServer) { s.refuse = 0 }},
		{"a new token", func(s *apiServer) { s.token = "t2" }, func(*apiServer) {}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newAPIServer(t)
			s.set("configmaps/config", config("one"))
			out := s.lane()
			await(t, out, "one")
			s.do(func() { test.hurt(s) })
			s.set("configmaps/config", config("two"))
			s.do(func() { test.heal(s) })
			await(t, out, "two")
			s.set("configmaps/config", config("three"))
			await(t, out, "three")
		})
	}
}

// A history that is compacted while the watch is cut hides a deletion: the lane
// has to read the object again to notice.
func TestWatchStartsOverWhenItsVersionExpired(t *testing.T) {
	s := newAPIServer(t)
	s.set("configmaps/config", config("one"))
	out := s.lane()
	await(t, out, "one")
	s.mu.Lock()
	s.refuse = http.StatusServiceUnavailable
	s.mu.Unlock()
	s.do(func() {})
	s.set("configmaps/config", nil)
	s.do(func() { s.forget(); s.refuse = 0 })
	await(t, out, "")
}

func TestWatchDoesNotRepeatItself(t *testing.T) {
	s := newAPIServer(t)
	s.set("configmaps/config", config("one"))
	out := s.lane()
	await(t, out, "one")
	s.do(func() {})
	s.set("configmaps/config", config("two"))
	if o := <-out; string(o.Document) != "two" {
		t.Errorf("got %q again", o.Document)
	}
}

// What an API server has forgotten is asked for soon, however long it was away before, and
// ever more seldom where it always says so.
func TestWatchThatExpiredBeginsAnewSoon(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"by its answer": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) },
		"by an event": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"type":"ERROR","object":{"code":410,"reason":"Expired"}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var slept []time.Duration
			w := watcher[string]{
				client:   &KubeClient{BaseURL: server.URL, Namespace: "ns", HTTP: server.Client()},
				resource: "configmaps", name: "config", next: "5", log: logr.Discard(),
				changed: func(o *object[string]) { t.Errorf("told of %v", o) },
			}
			w.backoff = backoff{random: func() float64 { return 0 }, errors: 7, pause: func(_ context.Context, d time.Duration) {
				if slept = append(slept, d); len(slept) == 9 {
					cancel()
				}
			}}
			w.run(ctx)
			if got, want := fmt.Sprint(slept), "[100ms 200ms 400ms 800ms 1.6s 3.2s 6.4s 10s 10s]"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// An API server that is away is asked at least every two seconds, and soon again once it
// answers: one that has just started denies everything at first.
func TestBackoffIsShortForAnAPIServerThatIsAway(t *testing.T) {
	var slept []time.Duration
	b := backoff{random: func() float64 { return 0 }, pause: func(_ context.Context, d time.Duration) { slept = append(slept, d) }}
	refused := fmt.Errorf("watching: %w", &url.Error{Op: "Get", URL: "https://10.96.0.1", Err: syscall.ECONNREFUSED})
	denied := fmt.Errorf("watching: %w", &statusError{code: http.StatusForbidden})
	for _, err := range []error{refused, refused, refused, refused, refused, refused, refused, refused, denied, denied, refused, denied} {
		b.sleep(t.Context(), err)
	}
	want := "[100ms 200ms 400ms 800ms 1.6s 2s 2s 2s 100ms 200ms 400ms 100ms]"
	if got := fmt.Sprint(slept); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBackoffGrowsAndIsSpread(t *testing.T) {
	var slept []time.Duration
	b := backoff{random: func() float64 { return 0 }, pause: func(_ context.Context, d time.Duration) { slept = append(slept, d) }}
	for range 9 {
		b.sleep(t.Context(), nil)
	}
	b.reset()
	b.sleep(t.Context(), nil)
	b.sleep(t.Context(), fmt.Errorf("wrapped: %w", &statusError{retryAfter: 7 * time.Second}))
	b.random = func() float64 { return 0.999 }
	b.reset()
	b.sleep(t.Context(), nil)
	want := "[100ms 200ms 400ms 800ms 1.6s 3.2s 6.4s 10s 10s 100ms 7s 75.025ms]"
	if got := fmt.Sprint(slept); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
