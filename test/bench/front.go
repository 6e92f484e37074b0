package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
)

// front is one of the ports of an engine: what it speaks there with clients and
// with the backend.
type front int

const (
	// plain is HTTP/1.1 to HTTP/1.1.
	plain front = iota
	// secure is TLS with HTTP/1.1 or HTTP/2, to HTTP/1.1.
	secure
	// clear2 is HTTP/2 with prior knowledge (h2c), to HTTP/1.1.
	clear2
	// calls is gRPC: h2c to h2c.
	calls
	// stream is TCP to TCP.
	stream
)

// allFronts are those of an engine that can do everything.
var allFronts = []front{plain, secure, clear2, calls, stream}

// Where the backends listen. These and the engines' ports lie below those that
// outgoing connections take.
const (
	backendPort = 8790
	callsPort   = 8791
	streamPort  = 8792
)

// port is where the engine of a number has a front.
func (f front) port(engine int) int { return 8800 + 20*int(f) + engine }

// target is what a load is aimed at: one front of one engine.
type target struct {
	work string
	front
	engine string
	port   int
}

// url names the target by the routed host, which the namespace's hosts file maps
// to loopback.
func (t target) url(path string) string {
	scheme := "http://"
	if t.front == secure {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, strconv.Itoa(t.port)) + path
}

// client makes connections of their own to the target, by HTTP/2 where the
// front speaks nothing else or it is asked for.
func (t target) client(http2 bool) *http.Client {
	protocols := &http.Protocols{}
	switch {
	case t.front == clear2 || t.front == calls:
		protocols.SetUnencryptedHTTP2(true)
	case http2:
		protocols.SetHTTP2(true)
	default:
		protocols.SetHTTP1(true)
	}
	return &http.Client{Transport: &http.Transport{
		Protocols:         protocols,
		DisableKeepAlives: true,
		// The certificate is the benchmark's own.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, address(t.port))
		},
	}}
}

// file is a file of the folder with what was prepared.
func (t target) file(name string) string { return filepath.Join(t.work, name) }
