package tlsconn

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"testing"
)

// echo reads all that c gets, writes it back and closes well.
func echo(c *Conn) (done bool) {
	if ended, err := c.Handshake(); !ended || err != nil {
		return err != nil
	}
	data, err := readAll(c)
	c.Write(data)
	if errors.Is(err, io.EOF) {
		c.CloseWrite()
	}
	return !errors.Is(err, ErrWant)
}

// script is what one end sends, in writes of random sizes.
func script(total int) []byte {
	data := make([]byte, total)
	for i := range data {
		data[i] = byte(i * 7)
	}
	return data
}

// stockClient sends data and returns the answer.
func stockClient(nc net.Conn, config *tls.Config, data []byte) ([]byte, tls.ConnectionState, error) {
	c := tls.Client(nc, config)
	if err := c.Handshake(); err != nil {
		return nil, tls.ConnectionState{}, err
	}
	go func() {
		for p := data; len(p) > 0; {
			n, err := c.Write(p[:min(len(p), 1+mathrand.IntN(40000))])
			if err != nil {
				return
			}
			p = p[n:]
		}
		c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	return got, c.ConnectionState(), err
}

func forEachConfig(t *testing.T, test func(t *testing.T, client, server *tls.Config)) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, key := range []string{"RSA", "ECDSA"} {
			for _, mutual := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s mutual=%v", tls.VersionName(version), key, mutual), func(t *testing.T) {
					client, server := configs(key, version)
					if mutual {
						client.Certificates = []tls.Certificate{identities()[key].client}
						server.ClientAuth = tls.RequireAndVerifyClientCert
					}
					test(t, client, server)
				})
			}
		}
	}
}

func TestServerAgainstStockClient(t *testing.T) {
	forEachConfig(t, func(t *testing.T, client, server *tls.Config) {
		for i, chunk := range []int{1 << 16, 1000, 7} {
			data := script(200_000 / (i*i*i + 1))
			a, b := connected(t)
			c := NewServer(server)
			go func() {
				defer b.Close()
				serve(c, b, chunk, func() bool { return echo(c) })
			}()
			got, state, err := stockClient(a, client, data)
			a.Close()
			if err != nil || !bytes.Equal(got, data) {
				t.Fatalf("pieces of %d: got %d bytes and %v, want %d", chunk, len(got), err, len(data))
			}
			if state.DidResume != (i > 0) {
				t.Errorf("connection %d: resumed is %v", i, state.DidResume)
			}
		}
	})
}

func TestClientAgainstStockServer(t *testing.T) {
	forEachConfig(t, func(t *testing.T, client, server *tls.Config) {
		for i, chunk := range []int{1 << 16, 1000, 7} {
			data := script(200_000 / (i*i*i + 1))
			a, b := connected(t)
			go func() {
				s := tls.Server(b, server)
				got, err := io.ReadAll(s)
				if err == nil {
					s.Write(got)
				}
				s.Close()
			}()
			got, state, err := request(client, a, chunk, data)
			a.Close()
			if !errors.Is(err, io.EOF) || !bytes.Equal(got, data) {
				t.Fatalf("pieces of %d: got %d bytes and %v, want %d", chunk, len(got), err, len(data))
			}
			if state.DidResume != (i > 0) {
				t.Errorf("connection %d: resumed is %v", i, state.DidResume)
			}
		}
	})
}

// request sends data through a Conn and returns what came back.
func request(config *tls.Config, nc net.Conn, chunk int, data []byte) (got []byte, state tls.ConnectionState, err error) {
	c := NewClient(config)
	sent := false
	serve(c, nc, chunk, func() bool {
		done, failure := c.Handshake()
		if !done || failure != nil {
			err = failure
			return failure != nil
		}
		if !sent {
			sent, state = true, c.State()
			c.Write(data)
			c.CloseWrite()
		}
		var more []byte
		more, err = readAll(c)
		got = append(got, more...)
		return !errors.Is(err, ErrWant)
	})
	return got, state, err
}

func TestBothEnds(t *testing.T) {
	forEachConfig(t, func(t *testing.T, client, server *tls.Config) {
		p := newPair(t, client, server)
		data := script(100_000)
		for range 3 {
			p.client.Write(data)
			transfer(p.client, p.server, 3000)
			if got, err := readAll(p.server); !errors.Is(err, ErrWant) || !bytes.Equal(got, data) {
				t.Fatalf("got %d bytes and %v", len(got), err)
			}
		}
		p.server.CloseWrite()
		p.exchange()
		if _, err := p.client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want the end", err)
		}
		if _, err := p.client.Write([]byte("still open")); err != nil {
			t.Errorf("writing after the peer's close_notify: %v", err)
		}
	})
}

func TestUntrustedCertificateFailsTheHandshake(t *testing.T) {
	client, _ := configs("ECDSA", tls.VersionTLS13)
	_, server := configs("RSA", tls.VersionTLS13)
	a, b := connected(t)
	defer a.Close()
	go tls.Server(b, server).Handshake()
	_, _, err := request(client, a, 1<<16, []byte("secret"))
	var want *tls.CertificateVerificationError
	if !errors.As(err, &want) {
		t.Errorf("got %v, want a verification error", err)
	}
}
