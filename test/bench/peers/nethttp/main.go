// Command nethttp is the reverse proxy of Go's standard library with buffers
// and idle connections kept: what a proxy in Go is without an engine of its own.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
)

func main() {
	plain := flag.String("plain", "", "address of HTTP/1.1")
	h2c := flag.String("h2c", "", "address of HTTP/2 with prior knowledge")
	secure := flag.String("tls", "", "address of TLS")
	grpc := flag.String("grpc", "", "address of HTTP/2 to HTTP/2")
	backend := flag.String("backend", "", "address of the HTTP/1.1 backend")
	grpcBackend := flag.String("grpc-backend", "", "address of the HTTP/2 backend")
	certificate := flag.String("certificate", "", "PEM file")
	key := flag.String("key", "", "PEM file")
	flag.Parse()

	var http1, http2, tls http.Protocols
	http1.SetHTTP1(true)
	http2.SetUnencryptedHTTP2(true)
	tls.SetHTTP1(true)
	tls.SetHTTP2(true)
	web := proxyTo(*backend, &http1)
	failed := make(chan error)
	go func() { failed <- serverOf(*plain, web, &http1).ListenAndServe() }()
	go func() { failed <- serverOf(*h2c, web, &http2).ListenAndServe() }()
	go func() { failed <- serverOf(*secure, web, &tls).ListenAndServeTLS(*certificate, *key) }()
	go func() { failed <- serverOf(*grpc, proxyTo(*grpcBackend, &http2), &http2).ListenAndServe() }()
	fmt.Fprintln(os.Stderr, "nethttp:", <-failed)
	os.Exit(1)
}

func serverOf(address string, handler http.Handler, protocols *http.Protocols) *http.Server {
	return &http.Server{Addr: address, Handler: handler, Protocols: protocols}
}

// proxyTo hands requests to a backend by one protocol.
func proxyTo(backend string, protocols *http.Protocols) *httputil.ReverseProxy {
	target := &url.URL{Scheme: "http", Host: backend}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{
			Protocols: protocols, MaxIdleConns: 16384, MaxIdleConnsPerHost: 16384, DisableCompression: true,
		},
		BufferPool: &buffers{},
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
