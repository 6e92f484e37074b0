// Command nethttp is the reverse proxy of Go's standard library with buffers
// and idle connections kept: what a proxy in Go is without an engine of its own.
package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: nethttp LISTEN BACKEND")
		os.Exit(2)
	}
	target := &url.URL{Scheme: "http", Host: os.Args[2]}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		Transport:  &http.Transport{MaxIdleConns: 16384, MaxIdleConnsPerHost: 16384, DisableCompression: true},
		BufferPool: &buffers{},
	}
	if err := http.ListenAndServe(os.Args[1], proxy); err != nil {
		fmt.Fprintln(os.Stderr, "nethttp:", err)
		os.Exit(1)
	}
}

// buffers lends the proxy the buffers that it copies bodies with. It is safe
// for concurrent use.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(buffer []byte) { b.pool.Put(&buffer) }
