package tlsconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// handshakeWith feeds p to a new server, whose handshake goes on.
func handshakeWith(p []byte, eof bool) (c *Conn, err error) {
	_, config := configs("ECDSA", tls.VersionTLS13)
	c = NewServer(config)
	c.Feed(p)
	if eof {
		c.FeedEOF()
	}
	_, err = c.Handshake()
	return c, err
}

func TestWhatIsNoHandshakeEndsAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		input  string
		eof    bool
		answer string
	}{
		"plaintext HTTP":          {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, "HTTP/1.1 400 "},
		"plaintext HTTP, OPTIONS": {"OPTIONS * HTTP/1.1\r\n\r\n", false, "HTTP/1.1 400 "},
		"the preface of HTTP/2":   {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false, "HTTP/1.1 400 "},
		"SSH":                     {"SSH-2.0-OpenSSH_9.2\r\n", false, ""},
		"an early end":            {"\x16\x03\x01", true, ""},
		"an end at once":          {"", true, ""},
		"SSLv2":                   {"\x80\x2e\x01\x00\x02", false, "\x15"},
		"a record too long":       {"\x16\x03\x01\xff\xff", false, "\x15"},
		"data in place of hello":  {"\x17\x03\x03\x00\x05abcde", false, ""},
		"a hello of 16 MiB":       {"\x16\x03\x01\x00\x04\x01\xff\xff\xff", false, "\x15"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := handshakeWith([]byte(test.input), test.eof)
			if err == nil {
				t.Fatal("the handshake ended well")
			}
			if got := string(c.Output()); !strings.HasPrefix(got, test.answer) || (test.answer == "" && got != "") {
				t.Errorf("answered %q, want %q", got, test.answer)
			}
			if _, err := c.Write([]byte("x")); err == nil {
				t.Error("a write after a failed handshake went well")
			}
			if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, ErrWant) {
				t.Errorf("a read after a failed handshake: %v", err)
			}
		})
	}
}

// The certificates of a client are not looked at if they are more than anybody has.
func TestClientsSendNoMoreThanAHandshakeNeeds(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for n, well := range map[int]bool{1: true, 5: true, 200: false} {
			client, server := configs("ECDSA", version)
			chain := identities()["ECDSA"].client
			chain.Certificate = slices.Repeat(chain.Certificate, n)
			client.Certificates = []tls.Certificate{chain}
			seen := 0
			server.ClientAuth = tls.RequireAnyClientCert
			server.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error { seen = len(raw); return nil }
			c, s := NewClient(client), NewServer(server)
			var done bool
			var err error
			for moved := 1; moved > 0 && !done; {
				_, _ = c.Handshake()
				moved = transfer(c, s, 1<<14)
				done, err = s.Handshake()
				moved += transfer(s, c, 1<<14)
			}
			if well && (!done || err != nil || seen != n) || !well && (!errors.Is(err, ErrFlood) || seen != 0) {
				t.Errorf("version %x with %d certificates: ended %v, %v, and %d were seen", version, n, done, err, seen)
			}
			c.Discard()
			s.Discard()
		}
	}
}

func TestClientHelloInSingleBytes(t *testing.T) {
	client, server := configs("ECDSA", tls.VersionTLS13)
	p := &pair{NewClient(client), NewServer(server)}
	p.shake(t, 1)
	p.client.Write([]byte("request"))
	transfer(p.client, p.server, 1)
	if got, err := readAll(p.server); string(got) != "request" || !errors.Is(err, ErrWant) {
		t.Errorf("got %q and %v", got, err)
	}
}

func TestEndWithoutCloseNotifyIsTruncation(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, cut := range []int{0, 3, 20} {
			p := newPair(t, first(configs("ECDSA", version)), second(configs("ECDSA", version)))
			p.client.Write([]byte("whole"))
			transfer(p.client, p.server, 1<<16)
			p.client.Write([]byte("never arrives whole"))
			p.server.Feed(p.client.Output()[:cut])
			p.server.FeedEOF()
			if got, err := readAll(p.server); string(got) != "whole" || !errors.Is(err, ErrTruncated) {
				t.Errorf("%s, cut at %d: got %q and %v", tls.VersionName(version), cut, got, err)
			}
			if _, err := p.server.Read(make([]byte, 1)); !errors.Is(err, ErrTruncated) {
				t.Errorf("the error did not last: %v", err)
			}
		}
	}
}

func first(a, _ *tls.Config) *tls.Config  { return a }
func second(_, b *tls.Config) *tls.Config { return b }

func TestCloseNotifyIsNoTruncation(t *testing.T) {
	client, server := configs("ECDSA", tls.VersionTLS13)
	p := newPair(t, client, server)
	p.client.Write([]byte("whole"))
	p.client.CloseWrite()
	transfer(p.client, p.server, 1<<16)
	p.server.FeedEOF()
	if got, err := readAll(p.server); string(got) != "whole" || !errors.Is(err, io.EOF) {
		t.Errorf("got %q and %v", got, err)
	}
}

func TestDiscardedHandshakesLeaveNoGoroutine(t *testing.T) {
	_, config := configs("ECDSA", tls.VersionTLS13)
	before := runtime.NumGoroutine()
	var conns []*Conn
	for range 100 {
		c := NewServer(config)
		c.Feed([]byte("\x16\x03\x01\x02"))
		if done, _ := c.Handshake(); done {
			t.Fatal("the handshake has ended")
		}
		conns = append(conns, c)
	}
	for _, c := range conns {
		c.Discard()
	}
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
	for _, c := range conns {
		if done, err := c.Handshake(); !done || !errors.Is(err, ErrDiscarded) {
			t.Fatalf("got %v and %v", done, err)
		}
		if len(c.Output()) > 0 {
			t.Fatal("output after Discard")
		}
	}
}

func TestServerThatHearsNothingHasNoGoroutine(t *testing.T) {
	_, config := configs("ECDSA", tls.VersionTLS13)
	before := runtime.NumGoroutine()
	c := NewServer(config)
	c.Handshake()
	if got := runtime.NumGoroutine(); got != before {
		t.Errorf("got %d goroutines, want %d", got, before)
	}
}

func TestInputOfAHandshakeIsBounded(t *testing.T) {
	_, config := configs("ECDSA", tls.VersionTLS13)
	c := NewServer(config)
	// A hello of 64 KiB in records of one byte.
	rest := []byte("\x16\x03\x01\x00\x04\x01\x00\xff\xfb")
	for range 0xfffb {
		rest = append(rest, "\x16\x03\x01\x00\x01\x00"...)
	}
	for len(rest) > 0 {
		n := min(len(rest), c.Room())
		if n == 0 || n > inputBytes {
			t.Fatalf("room for %d bytes", n)
		}
		c.Feed(rest[:n])
		rest = rest[n:]
		if room := c.Room(); room != inputBytes-n {
			t.Fatalf("room for %d bytes after %d", room, n)
		}
		if done, _ := c.Handshake(); done {
			return
		}
	}
	if _, err := c.Handshake(); err == nil {
		t.Error("a hello of zeros was taken")
	}
}

func TestRenegotiatingConfigIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a client that renegotiates was made")
		}
	}()
	NewClient(&tls.Config{Renegotiation: tls.RenegotiateFreelyAsClient})
}

func TestDataAfterHandshakeErrorIsIgnored(t *testing.T) {
	c, err := handshakeWith([]byte("SSH-2.0"), false)
	c.Feed(make([]byte, 1<<20))
	if room := c.Room(); room != inputBytes {
		t.Errorf("room for %d bytes, want %d", room, inputBytes)
	}
	if _, again := c.Handshake(); !errors.Is(again, err) {
		t.Errorf("the error changed from %v to %v", err, again)
	}
}

func TestStockClientThatVanishes(t *testing.T) {
	_, config := configs("ECDSA", tls.VersionTLS13)
	a, b := connected(t)
	c := NewServer(config)
	go func() {
		a.Write([]byte("\x16\x03\x01\x00\x05"))
		a.Close()
	}()
	serve(c, b, 100, func() bool { done, _ := c.Handshake(); return done })
	if _, err := c.Handshake(); !errors.Is(err, ErrTruncated) {
		t.Errorf("got %v, want %v", err, ErrTruncated)
	}
}
