package sni

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorder is a connection that keeps what a client writes, and lets it read
// nothing.
type recorder struct {
	net.Conn
	bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error)     { return r.Buffer.Write(b) }
func (r *recorder) Read([]byte) (int, error)        { return 0, io.EOF }
func (r *recorder) Close() error                    { return nil }
func (r *recorder) SetDeadline(time.Time) error     { return nil }
func (r *recorder) SetReadDeadline(time.Time) error { return nil }

// hello is what a client of crypto/tls begins with.
func hello(c *tls.Config) []byte {
	r := &recorder{}
	c.InsecureSkipVerify = true
	_ = tls.Client(r, c).Handshake()
	return r.Bytes()
}

// player is a connection from which a server reads what a client wrote.
type player struct {
	recorder
	from *bytes.Reader
}

func (p *player) Read(b []byte) (int, error) { return p.from.Read(b) }

var errSeen = errors.New("seen")

// reference is what a server of crypto/tls makes of b.
func reference(b []byte) (h Hello, ok bool) {
	p := &player{from: bytes.NewReader(b)}
	err := tls.Server(p, &tls.Config{GetConfigForClient: func(info *tls.ClientHelloInfo) (*tls.Config, error) {
		h, ok = Hello{ServerName: strings.ToLower(info.ServerName), ALPN: info.SupportedProtos}, true
		return nil, errSeen
	}}).Handshake()
	return h, ok && errors.Is(err, errSeen)
}

func equal(a, b Hello) bool {
	return a.ServerName == b.ServerName && slices.Equal(a.ALPN, b.ALPN)
}

// records cuts the message of a recorded hello into records of n bytes.
func records(b []byte, n int) []byte {
	var out []byte
	for chunk := range slices.Chunk(b[recordHeader:], n) {
		out = append(out, recordHandshake, 3, 1)
		out = binary.BigEndian.AppendUint16(out, uint16(len(chunk)))
		out = append(out, chunk...)
	}
	return out
}

// segments feeds b to a Parser n bytes at a time.
func segments(b []byte, n int) (h Hello, err error) {
	var p Parser
	for end := 0; end < len(b); {
		end = min(end+n, len(b))
		if h, err = p.Parse(b[:end]); !errors.Is(err, ErrIncomplete) {
			break
		}
	}
	return h, err
}

// clients are hellos of all sorts.
func clients() map[string][]byte {
	long := strings.Repeat("a.", 120) + "example.com"
	return map[string][]byte{
		"plain":         hello(&tls.Config{ServerName: "a.example.com"}),
		"no name":       hello(&tls.Config{}),
		"an address":    hello(&tls.Config{ServerName: "192.0.2.1"}),
		"upper case":    hello(&tls.Config{ServerName: "A.Example.COM"}),
		"long name":     hello(&tls.Config{ServerName: long}),
		"protocols":     hello(&tls.Config{ServerName: "b", NextProtos: []string{"h2", "http/1.1", "x"}}),
		"TLS 1.2":       hello(&tls.Config{ServerName: "old.example.com", MaxVersion: tls.VersionTLS12}),
		"classic share": hello(&tls.Config{ServerName: "c", CurvePreferences: []tls.CurveID{tls.X25519}}),
		"ML-KEM":        hello(&tls.Config{ServerName: "pq.example.com", CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.SecP256r1MLKEM768}}),
		"many protocols": hello(&tls.Config{ServerName: "d", NextProtos: func() (all []string) {
			// As many as fit into one record.
			for i := range 1000 {
				all = append(all, fmt.Sprint("protocol-", i))
			}
			return all
		}()}),
	}
}

func TestParserAgreesWithCryptoTLS(t *testing.T) {
	for name, b := range clients() {
		t.Run(name, func(t *testing.T) {
			want, ok := reference(b)
			if !ok {
				t.Fatal("crypto/tls refuses its own hello")
			}
			if got, err := new(Parser).Parse(append(b, "what follows"...)); err != nil || !equal(got, want) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		})
	}
	if n := len(clients()["ML-KEM"]); n < 1460 {
		t.Errorf("a hello with ML-KEM has %d bytes, which fit into one segment", n)
	}
}

// However a hello is cut, it says the same, and no part of it says anything.
func TestFragmentsMakeNoDifference(t *testing.T) {
	for name, b := range clients() {
		t.Run(name, func(t *testing.T) {
			want, err := new(Parser).Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range []int{1, 2, 3, 100, 1000, maxRecord} {
				cut := records(b, record)
				if len(cut) > MaxHello {
					continue
				}
				for _, segment := range []int{1, 7, 1460} {
					if got, err := segments(cut, segment); err != nil || !equal(got, want) {
						t.Errorf("records of %d, segments of %d: got %+v, %v, want %+v", record, segment, got, err, want)
					}
				}
				if got, err := segments(cut[:len(cut)-1], 9); !errors.Is(err, ErrIncomplete) || !equal(got, Hello{}) {
					t.Errorf("records of %d, all but a byte: got %+v, %v", record, got, err)
				}
			}
		})
	}
}

// body makes the record of a hello with the extensions, each a type and data.
func body(extensions ...string) []byte {
	var list string
	for _, e := range extensions {
		list += e
	}
	return framed("\x03\x03" + strings.Repeat("r", 32) + "\x00" + "\x00\x02\x13\x01" + "\x01\x00" + vector(list))
}

func framed(message string) []byte {
	n := len(message)
	message = string([]byte{messageHello, byte(n >> 16), byte(n >> 8), byte(n)}) + message
	return []byte("\x16\x03\x01" + vector(message))
}

func vector(s string) string { return string([]byte{byte(len(s) >> 8), byte(len(s))}) + s }

func serverName(names ...string) string {
	var list string
	for _, n := range names {
		list += "\x00" + vector(n)
	}
	return "\x00\x00" + vector(vector(list))
}

func TestParserRefuses(t *testing.T) {
	plain := body(serverName("a"))
	changed := func(at int, to byte) []byte {
		b := slices.Clone(plain)
		b[at] = to
		return b
	}
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"a request", []byte("GET / HTTP/1.1\r\n"), ErrMalformed},
		{"SSL 2", []byte("\x80\x2e\x01\x00\x02"), ErrMalformed},
		{"an alert", []byte("\x15\x03\x01\x00\x02\x01\x00"), ErrMalformed},
		{"another major version", changed(1, 4), ErrMalformed},
		{"an empty record", []byte("\x16\x03\x01\x00\x00"), ErrMalformed},
		{"a record too long", []byte("\x16\x03\x01\x40\x01"), ErrMalformed},
		{"another message", changed(5, 2), ErrMalformed},
		{"a message too long", []byte("\x16\x03\x01\x00\x04\x01\x01\x00\x00"), ErrTooLong},
		{"a message behind it", records(append(slices.Clone(plain), "\x01"...), maxRecord), ErrMalformed},
		{"session identifier too long", framed("\x03\x03" + strings.Repeat("r", 32) + "\x21" + strings.Repeat("s", 33) + "\x00\x02\x13\x01" + "\x01\x00"), ErrMalformed},
		{"odd suites", framed("\x03\x03" + strings.Repeat("r", 32) + "\x00" + "\x00\x01\x13" + "\x01\x00"), ErrMalformed},
		{"no suite", framed("\x03\x03" + strings.Repeat("r", 32) + "\x00" + "\x00\x00" + "\x01\x00"), ErrMalformed},
		{"no compression", framed("\x03\x03" + strings.Repeat("r", 32) + "\x00" + "\x00\x02\x13\x01" + "\x00"), ErrMalformed},
		{"an extension cut short", body("\x00\x01\x00\x05x"), ErrMalformed},
		{"an extension twice", body(serverName("a"), serverName("b")), ErrMalformed},
		{"two names", body(serverName("a", "b")), ErrMalformed},
		{"no name", body(serverName()), ErrMalformed},
		{"an empty name", body(serverName("")), ErrMalformed},
		{"a name with a dot at its end", body(serverName("a.example.com.")), ErrMalformed},
		{"a name with a zero byte", body(serverName("a.example.com\x00.evil")), ErrMalformed},
		{"a name of another type", body("\x00\x00" + vector(vector("\x01"+vector("a")))), ErrMalformed},
		{"bytes behind the names", body("\x00\x00" + vector(vector("\x00"+vector("a"))+"x")), ErrMalformed},
		{"an empty protocol", body("\x00\x10" + vector(vector("\x00"))), ErrMalformed},
		{"no protocol", body("\x00\x10" + vector(vector(""))), ErrMalformed},
		{"bytes behind the extensions", framed("\x03\x03" + strings.Repeat("r", 32) + "\x00" + "\x00\x02\x13\x01" + "\x01\x00" + "\x00\x00x"), ErrMalformed},
		{"too many records", bytes.Repeat([]byte("\x16\x03\x01\x00\x01\x01"), 4), ErrTooLong},
		{"a hello in too many records", records(clients()["many protocols"], 1), ErrTooLong},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if h, err := segments(test.data, 1); !errors.Is(err, test.want) || !equal(h, Hello{}) {
				t.Errorf("got %+v, %v, want %v", h, err, test.want)
			}
		})
	}
}

func TestHelloWithoutExtensions(t *testing.T) {
	b := framed("\x03\x03" + strings.Repeat("r", 32) + "\x00" + "\x00\x02\x13\x01" + "\x01\x00")
	if h, err := new(Parser).Parse(b); err != nil || !equal(h, Hello{}) {
		t.Errorf("got %+v, %v", h, err)
	}
}

// FuzzParser checks that cutting makes no difference, and that where crypto/tls
// accepts the same bytes it reads the same from them.
func FuzzParser(f *testing.F) {
	for name, b := range clients() {
		if name == "many protocols" {
			continue
		}
		f.Add(b, uint16(1))
		f.Add(records(b, 50), uint16(1460))
	}
	f.Add(body(serverName("a"), "\x00\x10"+vector(vector("\x02h2"))), uint16(3))
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		h, err := new(Parser).Parse(b)
		parts, perr := segments(b, int(n)+1)
		if len(b) > 0 && (!equal(h, parts) || fmt.Sprint(err) != fmt.Sprint(perr)) {
			t.Fatalf("as a whole: %+v, %v; in parts: %+v, %v", h, err, parts, perr)
		}
		if err != nil {
			return
		}
		if want, ok := reference(b); ok && !equal(h, want) {
			t.Fatalf("got %+v, crypto/tls reads %+v", h, want)
		}
	})
}
