package poison

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// startBackend starts a backend whose answers name the request that they belong
// to: "<target>|<body>". It speaks HTTP/1.1, or HTTP/2 with prior knowledge.
func startBackend(t *testing.T, h2c bool) string {
	s := httptest.NewUnstartedServer(&backend{t: t, h2c: h2c})
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(!h2c)
	s.Config.Protocols.SetUnencryptedHTTP2(h2c)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

type backend struct {
	t *testing.T
	// h2c: that a connection ends after a request concerns others on it, so that
	// it is rare.
	h2c bool
	// closes counts requests for that.
	closes atomic.Int64
}

// closesEvery is how often a connection of HTTP/2 ends of those times that it could.
const closesEvery = 16

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	w.Header().Set("X-Target", r.RequestURI)
	switch kind(name) {
	case early, late:
		// The body is left where it is. By HTTP/1.1 the server would otherwise read
		// it first.
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "%s|", r.RequestURI)
		return
	case cut:
		w.Header().Set("Content-Length", "1000")
		fmt.Fprintf(w, "%s|", r.RequestURI)
		panic(http.ErrAbortHandler)
	case closes:
		if !b.h2c || b.closes.Add(1)%closesEvery == 0 {
			w.Header().Set("Connection", "close")
		}
	case "smuggled":
		b.t.Errorf("the backend got %s", r.RequestURI)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	switch kind(name) {
	case malformed:
		b.t.Errorf("the backend got %s whole, with %q", r.RequestURI, body)
	case chunks:
		w.(http.Flusher).Flush()
	}
	fmt.Fprintf(w, "%s|%s", r.RequestURI, body)
}
