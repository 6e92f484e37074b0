package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func get(h http.Handler, method, target, body string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("X-Team", "a")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestEchoAnswersWhatItSaw(t *testing.T) {
	h := newHandler(identity{Name: "echo", Version: "v2", Pod: "echo-1"})
	res := get(h, http.MethodPost, "http://shop.example.com/cart?item=3", "hello")
	var got answer
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 || got.Name != "echo" || got.Version != "v2" || got.Pod != "echo-1" ||
		got.Method != "POST" || got.Host != "shop.example.com" || got.Path != "/cart" || got.Query != "item=3" ||
		got.BodyBytes != 5 || got.Headers["X-Team"][0] != "a" {
		t.Errorf("status %d, answer %+v", res.StatusCode, got)
	}
}

func TestSpecialPaths(t *testing.T) {
	tests := []struct {
		target string
		status int
		bytes  int
	}{
		{"/status/503", 503, -1},
		{"/status/99", 400, -1},
		{"/status/teapot", 400, -1},
		{"/size?bytes=0", 200, 0},
		{"/size?bytes=100000", 200, 100000},
		{"/size?bytes=-1", 400, -1},
		{"/slow?ms=0", 200, -1},
		{"/slow", 400, -1},
		{"/readyz", 200, 3},
	}
	for _, tt := range tests {
		res := get(newHandler(identity{}), http.MethodGet, tt.target, "")
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != tt.status || tt.bytes >= 0 && len(body) != tt.bytes {
			t.Errorf("%s: status %d with %d bytes, want %d with %d", tt.target, res.StatusCode, len(body), tt.status, tt.bytes)
		}
	}
}

func TestDrainTurnsUnreadyAndAsksClientsToLeave(t *testing.T) {
	h := newHandler(identity{})
	h.draining.Store(true)
	if res := get(h, http.MethodGet, "/readyz", ""); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz answered %d", res.StatusCode)
	}
	res := get(h, http.MethodGet, "/", "")
	if res.StatusCode != 200 || res.Header.Get("Connection") != "close" {
		t.Errorf("status %d, Connection %q", res.StatusCode, res.Header.Get("Connection"))
	}
}

func TestSlowEndsWithItsClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/slow?ms=600000", nil)
	done := make(chan struct{})
	go func() {
		newHandler(identity{}).ServeHTTP(httptest.NewRecorder(), r)
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("still waiting for a client that has left")
	}
}

// A request that is in flight when the server is told to stop is answered.
func TestRunFinishesRequestsInFlight(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, lines := io.Pipe()
	ended := make(chan error, 1)
	opts := options{listen: []string{"127.0.0.1:0"}, self: identity{Name: "echo", Version: "v1"}, drain: time.Minute}
	go func() { ended <- run(ctx, opts, lines) }()

	var address string
	if _, err := fmt.Fscanf(out, "echo v1 listens on %s\n", &address); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The body is held back until the server drains, so the request is in
	// flight whatever the machine's speed.
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))); err != nil {
		t.Fatal(err)
	}
	cancel()
	fmt.Fprint(conn, "ok")
	reply, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(reply), "HTTP/1.1 200 ") {
		t.Errorf("reply %q, %v", reply, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestFlagsBeatTheEnvironment(t *testing.T) {
	env := map[string]string{"VERSION": "v7", "POD_NAME": "p", "LISTEN": ":1"}
	opts, err := parse([]string{"-listen", ":2, :3", "-name", "n"}, func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	if opts.self != (identity{Name: "n", Version: "v7", Pod: "p"}) || len(opts.listen) != 2 {
		t.Errorf("%+v", opts)
	}
}
