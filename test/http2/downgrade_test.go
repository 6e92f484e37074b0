package http2

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// message is one request as frames: a header block, DATA frames, and trailers.
// The last of them ends the stream unless open is set.
type message struct {
	fields   []hpack.HeaderField
	data     []string
	trailers []hpack.HeaderField
	open     bool
}

// write writes the message on the stream.
func (m message) write(conn *wire.Conn, stream uint32) error {
	err := conn.Headers(stream, m.ends(len(m.data) == 0 && m.trailers == nil), m.fields...)
	for i, part := range m.data {
		end := m.ends(i == len(m.data)-1 && m.trailers == nil)
		err = errors.Join(err, conn.Framer.WriteData(stream, end, []byte(part)))
	}
	if m.trailers != nil {
		err = errors.Join(err, conn.Headers(stream, m.ends(true), m.trailers...))
	}
	return err
}

func (m message) ends(last bool) bool { return last && !m.open }

// exchange sends the message on a connection of its own, and returns what the
// client saw and what the backend got. A request that is sound follows, and
// when it has arrived, so has everything before it.
func exchange(t *testing.T, proxy *target.Proxy, backend *recorder, m message) (wire.Outcome, []record) {
	t.Helper()
	conn := dial(t, proxy)
	send(t, m.write(conn, 1))
	outcome := conn.Response(1, grpcPatience)
	conn.Close()

	const marker = "/marker"
	after := dial(t, proxy)
	send(t, after.Headers(1, true, wire.Request("GET", target.HostA, marker)...))
	if got := after.Response(1, grpcPatience); got.Status() != "200" {
		t.Fatalf("the sound request that follows: %v", got)
	}
	var records []record
	for _, r := range backend.take() {
		if r.Request == nil || r.RequestURI != marker {
			records = append(records, r)
		}
	}
	return outcome, records
}

// refused says whether the client was told that its request is malformed (RFC
// 9113, section 8.1.1): a 400, or one of the statuses given, or a protocol
// error of the stream or the connection.
func refused(o wire.Outcome, statuses ...string) bool {
	for _, code := range []*http2.ErrCode{o.Reset, o.GoAway} {
		if code != nil && *code == http2.ErrCodeProtocol {
			return true
		}
	}
	for _, status := range append(statuses, "400") {
		if o.Status() == status {
			return true
		}
	}
	return false
}

func TestDowngradeRefuses(t *testing.T) {
	backend := startRecorder(t)
	proxy := target.Start(t, target.Backend{Address: backend.address()})
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			outcome, records := exchange(t, proxy, backend, c.message)
			if !refused(outcome, c.or...) {
				t.Errorf("got %v, want a 400 or PROTOCOL_ERROR", outcome)
			}
			for _, r := range records {
				// A body is streamed, so that its head may have been sent when it
				// turns out to be wrong. It must not become a whole request then.
				if !c.streamed || r.broken == nil {
					t.Errorf("the backend got %q", r.raw)
				}
			}
		})
	}
}

func TestDowngradeForwards(t *testing.T) {
	backend := startRecorder(t)
	proxy := target.Start(t, target.Backend{Address: backend.address()})
	for _, c := range forwards {
		t.Run(c.name, func(t *testing.T) {
			outcome, records := exchange(t, proxy, backend, c.message)
			if outcome.Status() != "200" || string(outcome.Body) != "ok" {
				t.Errorf("got %v, want the backend's answer", outcome)
			}
			if len(records) != 1 || records[0].broken != nil {
				t.Fatalf("the backend got %d requests, want one: %q", len(records), raws(records))
			}
			if err := c.check(records[0]); err != nil {
				t.Errorf("%v, in %q", err, records[0].raw)
			}
		})
	}
}

func raws(records []record) (all []string) {
	for _, r := range records {
		all = append(all, r.raw)
	}
	return all
}

// check compares what the backend got with what it should have got.
func (c forward) check(r record) error {
	line, _, _ := strings.Cut(r.head, "\r\n")
	if line != c.line {
		return fmt.Errorf("got the request line %q, want %q", line, c.line)
	}
	if n := strings.Count(strings.ToLower(r.head), "\r\nhost:"); n != 1 || r.Host != target.HostA {
		return fmt.Errorf("got %d Host fields and %q, want one, %q", n, r.Host, target.HostA)
	}
	for name, want := range c.fields {
		if got := strings.Join(r.Header[name], "|"); got != want {
			return fmt.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	if r.body != c.body {
		return fmt.Errorf("got the body %q, want %q", r.body, c.body)
	}
	if got := r.Trailer.Get("X-Checksum"); got != c.trailer {
		return fmt.Errorf("got the trailer %q, want %q", got, c.trailer)
	}
	return nil
}
