// Command gopeer is Go's own reverse proxy as a peer: HTTP/1.1 and HTTP/2 on a
// plaintext port and on one with TLS, without any setting that hardens it.
// Requests for b.example go to the second backend, when there is one.
package main

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	if len(os.Args) != 6 && len(os.Args) != 8 {
		fmt.Fprintln(os.Stderr, "usage: gopeer PLAIN TLS PEM BACKEND http|h2 [BACKEND http|h2]")
		os.Exit(2)
	}
	log.SetOutput(os.Stdout)
	handler := http.NewServeMux()
	handler.Handle("/", proxy(os.Args[4], os.Args[5] == "h2"))
	if len(os.Args) == 8 {
		handler.Handle("b.example/", proxy(os.Args[6], os.Args[7] == "h2"))
	}
	failed := make(chan error)
	go func() { failed <- server(os.Args[1], handler).ListenAndServe() }()
	go func() { failed <- server(os.Args[2], handler).ListenAndServeTLS(os.Args[3], os.Args[3]) }()
	fmt.Fprintln(os.Stderr, "gopeer:", <-failed)
	os.Exit(1)
}

// server speaks every version of HTTP that its port can tell apart.
func server(address string, handler http.Handler) *http.Server {
	s := &http.Server{Addr: address, Handler: handler, Protocols: new(http.Protocols)}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	return s
}

// proxy forwards to the backend, at once what comes of a response.
func proxy(backend string, h2c bool) *httputil.ReverseProxy {
	target := &url.URL{Scheme: "http", Host: backend}
	transport := &http.Transport{DisableCompression: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!h2c)
	transport.Protocols.SetUnencryptedHTTP2(h2c)
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		Transport: transport, FlushInterval: -1,
	}
}
