package tlsconn

import (
	"crypto/tls"
	"errors"
	"testing"
)

// FuzzHandshake feeds whatever to a new server: it ends or waits, and a
// discarded one lets go of its goroutine.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x04\x01\x00\x00\x00"), byte(1), true)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), byte(5), false)
	f.Add([]byte("\x15\x03\x01\x00\x02\x02\x28"), byte(3), true)
	f.Add(helloBytes(), byte(200), false)
	f.Add(helloBytes(), byte(0), true)
	_, config := configs("ECDSA", 0)
	f.Fuzz(func(t *testing.T, input []byte, piece byte, eof bool) {
		c := NewServer(config)
		feedPieces(c, input, int(piece)+1)
		if eof {
			c.FeedEOF()
		} else {
			c.Discard()
		}
		if done, err := c.Handshake(); !done || err == nil {
			t.Errorf("the handshake ended with %v", err)
		}
		if n, err := c.Read(make([]byte, 10)); n > 0 || err == nil || errors.Is(err, ErrWant) {
			t.Errorf("read %d bytes and %v", n, err)
		}
	})
}

// FuzzEstablished feeds whatever after a handshake: no plaintext comes of it.
func FuzzEstablished(f *testing.F) {
	f.Add([]byte("\x17\x03\x03\x00\x05abcde"), byte(1), uint16(tls.VersionTLS13))
	f.Add([]byte("\x15\x03\x03\x00\x02\x01\x00"), byte(9), uint16(tls.VersionTLS13))
	f.Add([]byte("\x14\x03\x03\x00\x01\x01\x14\x03\x03\x00\x01\x01"), byte(2), uint16(tls.VersionTLS13))
	f.Add([]byte("\x16\x03\x03\x00\x04\x01\x00\x00\x00"), byte(9), uint16(tls.VersionTLS12))
	f.Add([]byte("\x17\x03\x03\x00\x00\x17\x03\x03\x00\x00"), byte(9), uint16(tls.VersionTLS12))
	f.Fuzz(func(t *testing.T, input []byte, piece byte, version uint16) {
		if version != tls.VersionTLS12 {
			version = tls.VersionTLS13
		}
		client, server := configs("ECDSA", version)
		p := newPair(t, client, server)
		for _, c := range []*Conn{p.client, p.server} {
			feedPieces(c, input, int(piece)+1)
			if got, err := readAll(c); len(got) > 0 || err == nil {
				t.Errorf("got %q and %v", got, err)
			}
			c.FeedEOF()
			if _, err := readAll(c); errors.Is(err, ErrWant) || err == nil {
				t.Errorf("after the end: %v", err)
			}
		}
	})
}

func feedPieces(c *Conn, input []byte, piece int) {
	for len(input) > 0 {
		n := min(len(input), piece, max(1, c.Room()))
		c.Feed(input[:n])
		c.Handshake()
		input = input[n:]
	}
}

// helloBytes is the first flight of a client.
func helloBytes() []byte {
	client, _ := configs("ECDSA", 0)
	c := NewClient(client)
	c.Handshake()
	defer c.Discard()
	return append([]byte(nil), c.Output()...)
}
