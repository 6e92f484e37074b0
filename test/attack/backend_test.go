package attack

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// backend answers the victim at once, and counts what comes through of an
// attack.
type backend struct {
	server  *httptest.Server
	attacks atomic.Int64
}

func startBackend(t *testing.T) *backend {
	b := &backend{}
	b.server = httptest.NewServer(b)
	t.Cleanup(func() {
		b.server.CloseClientConnections()
		b.server.Close()
	})
	return b
}

func (b *backend) address() string { return b.server.Listener.Addr().String() }

// big is a response that no proxy should take more of than its client does.
var big = make([]byte, 1<<20)

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/victim" {
		io.WriteString(w, "fine")
		return
	}
	b.attacks.Add(1)
	if r.URL.Path == "/big" {
		w.Write(big)
		return
	}
	io.Copy(io.Discard, r.Body)
}
