package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxBody bounds what /size sends, and what is read of a request's body before
// the answer.
const maxBody = 1 << 30

// identity says who answers.
type identity struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Pod     string `json:"pod,omitempty"`
}

// answer is the body of every echo.
type answer struct {
	identity
	Protocol string              `json:"protocol"`
	Method   string              `json:"method"`
	Host     string              `json:"host"`
	Path     string              `json:"path"`
	Query    string              `json:"query,omitempty"`
	Headers  map[string][]string `json:"headers"`
	// BodyBytes is the length of the request's body, which is read whole.
	BodyBytes int64 `json:"bodyBytes,omitempty"`
}

// handler serves the echo. It is safe for concurrent use.
type handler struct {
	self     identity
	draining atomic.Bool
	buffers  sync.Pool
}

func newHandler(self identity) *handler {
	return &handler{self: self, buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.draining.Load() {
		// Each client leaves with its next answer, so that no connection is
		// closed under a request that is already on its way.
		w.Header().Set("Connection", "close")
	}
	path := r.URL.Path
	switch {
	case path == "/readyz":
		h.ready(w)
	case path == "/slow":
		h.slow(w, r)
	case path == "/size":
		h.size(w, r)
	case strings.HasPrefix(path, "/status/"):
		h.status(w, r, strings.TrimPrefix(path, "/status/"))
	default:
		h.echo(w, r, http.StatusOK)
	}
}

func (h *handler) ready(w http.ResponseWriter) {
	if h.draining.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "ok\n")
}

// slow answers after ?ms= milliseconds, or not at all when the client leaves.
func (h *handler) slow(w http.ResponseWriter, r *http.Request) {
	ms, ok := number(w, r.URL.Query().Get("ms"), 0, 600_000)
	if !ok {
		return
	}
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		h.echo(w, r, http.StatusOK)
	case <-r.Context().Done():
	}
}

// status answers with the code in the path.
func (h *handler) status(w http.ResponseWriter, r *http.Request, code string) {
	if n, ok := number(w, code, 200, 599); ok {
		h.echo(w, r, n)
	}
}

// size answers with ?bytes= bytes.
func (h *handler) size(w http.ResponseWriter, r *http.Request) {
	n, ok := number(w, r.URL.Query().Get("bytes"), 0, maxBody)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	chunk := bytes.Repeat([]byte{'x'}, min(n, 32<<10))
	for n > 0 {
		sent, err := w.Write(chunk[:min(n, len(chunk))])
		if err != nil {
			return
		}
		n -= sent
	}
}

func (h *handler) echo(w http.ResponseWriter, r *http.Request, code int) {
	body, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	buf := h.buffers.Get().(*bytes.Buffer)
	defer h.buffers.Put(buf)
	buf.Reset()
	err = json.NewEncoder(buf).Encode(answer{
		identity: h.self, Protocol: r.Proto, Method: r.Method, Host: r.Host,
		Path: r.URL.Path, Query: r.URL.RawQuery, Headers: r.Header, BodyBytes: body,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// A 204 or 304 has no body; the server refuses the write and that is right.
	w.Write(buf.Bytes())
}

// number parses an integer in [low, high], or answers 400 itself.
func number(w http.ResponseWriter, text string, low, high int) (int, bool) {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		http.Error(w, fmt.Sprintf("want a number from %d to %d, not %q", low, high, text), http.StatusBadRequest)
		return 0, false
	}
	return n, true
}
