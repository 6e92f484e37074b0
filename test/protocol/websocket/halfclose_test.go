package websocket

import (
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// behind is what a side says after it has seen the other one's end.
var behind = bytes.Repeat([]byte("all of this comes behind the end\n"), 32<<10)

// One side ends while the other one still sends, in the clear or by TLS on either
// side of the proxy, or by a stream of HTTP/2: nothing is lost.
func TestHalfClose(t *testing.T) {
	cert := edge.NewCertificate(t, "a", "localhost")
	pair, err := tls.X509KeyPair(cert.CertPEM, cert.Private)
	if err != nil {
		t.Fatal(err)
	}
	c := front(cert)
	ends := make(chan error, 1)
	for _, ending := range []string{"client", "server"} {
		for _, config := range []*tls.Config{nil, {Certificates: []tls.Certificate{pair}}} {
			name, server := ending, &http.Server{Handler: half(ending == "server", ends)}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			addr := ln.Addr().String()
			if config != nil {
				name, ln = ending+secured, tls.NewListener(ln, config)
			}
			go server.Serve(ln)
			t.Cleanup(func() { server.Close() })
			lead(c, name, addr)
			if config != nil {
				c.Backends[len(c.Backends)-1].TLS = &proxyconfig.BackendTLS{ServerName: "localhost", CACertificates: string(cert.CertPEM)}
			}
		}
	}
	m := &matrix{proxy: edge.Start(t, edge.Options{Config: c, Certificates: []edge.Certificate{cert}}), trust: &tls.Config{RootCAs: cert.Pool()}}
	for _, scheme := range []string{"ws", "wss", "http2"} {
		for _, ending := range []string{"client", "server"} {
			for _, behind := range []string{"", secured} {
				t.Run(scheme+", "+ending+behind, func(t *testing.T) {
					side, err := m.open(scheme, ending+behind)
					if err != nil {
						t.Fatal(err)
					}
					defer side.Close()
					if err := talkInHalves(side, ending == "client"); err != nil {
						t.Errorf("the client: %v", err)
					}
					if err := <-ends; err != nil {
						t.Errorf("the server: %v", err)
					}
				})
			}
		}
	}
}

// half serves a tunnel by one side of talkInHalves, and tells how it went.
func half(first bool, ends chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		// RFC 6455, section 4.2.2.
		accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			ends <- err
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Accept: "+base64.StdEncoding.EncodeToString(accept[:])+"\r\n\r\n")
		ends <- talkInHalves(c.(closeWriter), first)
	}
}

// talkInHalves is either side of a tunnel: the first one says something, ends its
// half and takes the rest; the other one takes all of that, and then says much.
func talkInHalves(c closeWriter, first bool) error {
	say := func(b []byte) error {
		if _, err := c.Write(b); err != nil {
			return err
		}
		return c.CloseWrite()
	}
	hear := func(want []byte) error {
		got, err := io.ReadAll(c)
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("got %d bytes, want %d", len(got), len(want))
		}
		return err
	}
	if first {
		if err := say(behind[:1000]); err != nil {
			return err
		}
		return hear(behind)
	}
	if err := hear(behind[:1000]); err != nil {
		return err
	}
	return say(behind)
}

// open opens a tunnel to a path.
func (m *matrix) open(scheme, path string) (closeWriter, error) {
	if scheme == "http2" {
		return openStream(m.url("wss", path, "half"), m.trust.Clone())
	}
	var c closeWriter
	var err error
	if scheme == "wss" {
		trust := m.trust.Clone()
		trust.ServerName = "localhost"
		c, err = dialTLS(m.proxy.Addr("https"), trust)
	} else {
		var nc net.Conn
		if nc, err = net.Dial("tcp", m.proxy.Addr("http")); err == nil {
			c = nc.(*net.TCPConn)
		}
	}
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET /%s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path)
	// Byte by byte: what follows the head is the tunnel's.
	var head []byte
	for b := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, b...) {
		if _, err := c.Read(b); err != nil {
			return nil, fmt.Errorf("got %q: %w", head, err)
		}
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		return nil, fmt.Errorf("got %q", head)
	}
	return c, nil
}

func dialTLS(addr string, config *tls.Config) (closeWriter, error) {
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		return nil, err
	}
	return c, nil
}
