package http2

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
	"github.com/fleetgate/fleetgate/test/protocol/invariant"
	h1message "github.com/fleetgate/fleetgate/test/protocol/message"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
)

// received is a request as the backend got it, by HTTP/1.1.
type received = h1message.Request

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
// client saw. Where that leaves the connection open, a sound request on it gets
// an answer that is its own, and so does another client's.
func exchange(t *testing.T, proxy *target.Proxy, m message) wire.Outcome {
	t.Helper()
	conn := dial(t, proxy)
	send(t, m.write(conn, 1))
	outcome := conn.Response(1, grpcPatience)
	if outcome.GoAway == nil && outcome.Err == nil {
		wantSound(t, conn, 3)
	}
	conn.Close()
	wantSound(t, dial(t, proxy), 1)
	return outcome
}

// sound is the target of requests that are, and that no table has.
const sound = "/sound"

// wantSound makes such a request, and wants a backend to have understood it.
func wantSound(t *testing.T, conn *wire.Conn, stream uint32) {
	t.Helper()
	send(t, conn.Headers(stream, true, wire.Request("GET", target.HostA, sound)...))
	got := conn.Response(stream, grpcPatience)
	if err := understands(got, recorder.Understood{Method: "GET", Target: sound, Host: target.HostA}); err != nil {
		t.Errorf("the sound request that follows: %v", err)
	}
}

// understands is an error unless a backend has answered as one that understood
// the request so.
func understands(o wire.Outcome, want recorder.Understood) error {
	var got recorder.Understood
	if o.Status() != "200" || !o.Complete {
		return fmt.Errorf("got %v %q", o, o.Body)
	}
	if err := json.Unmarshal(o.Body, &got); err != nil {
		return fmt.Errorf("%w: %q", err, o.Body)
	}
	if got != want {
		return fmt.Errorf("the backend understood %+v, want %+v", got, want)
	}
	return nil
}

// forwarded returns the whole requests that the backend got beside the sound
// ones, and all bytes. They are held to the invariants.
func forwarded(t *testing.T, backend *recorder.Backend) (requests []*received, raw []byte) {
	t.Helper()
	streams := backend.Take()
	all, problems := invariant.Check(streams)
	for _, problem := range problems {
		t.Error(problem)
	}
	for _, r := range all {
		if r.Target != sound {
			requests = append(requests, r)
		}
	}
	for _, s := range streams {
		raw = append(raw, s.Bytes...)
	}
	return requests, raw
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

// What is refused, or turns out to be wrong in its body, never becomes a whole
// request. A body is streamed, so that its head may have been sent by then.
func TestDowngradeRefuses(t *testing.T) {
	backend := recorder.Start(t, recorder.Echo)
	proxy := target.Start(t, target.Backend{Address: backend.Addr()})
	for _, c := range streamedLast(refusals) {
		t.Run(c.name, func(t *testing.T) {
			if outcome := exchange(t, proxy, c.message); !refused(outcome, c.or...) {
				t.Errorf("got %v, want a 400 or PROTOCOL_ERROR", outcome)
			}
			requests, raw := forwarded(t, backend)
			if len(requests) > 0 || !c.streamed && bytes.Contains(raw, []byte("/case")) {
				t.Errorf("the backend got %q", raw)
			}
		})
	}
}

// streamedLast puts those of which nothing may be seen in front, so that nothing of
// the others can be taken for theirs.
func streamedLast(all []refusal) []refusal {
	return slices.SortedStableFunc(slices.Values(all), func(a, b refusal) int {
		switch {
		case a.streamed == b.streamed:
			return 0
		case b.streamed:
			return -1
		}
		return 1
	})
}

func TestDowngradeForwards(t *testing.T) {
	backend := recorder.Start(t, recorder.Echo)
	proxy := target.Start(t, target.Backend{Address: backend.Addr()})
	for _, c := range forwards {
		t.Run(c.name, func(t *testing.T) {
			if err := understands(exchange(t, proxy, c.message), c.meant()); err != nil {
				t.Error(err)
			}
			requests, raw := forwarded(t, backend)
			if len(requests) != 1 {
				t.Fatalf("the backend got %d requests, want one: %q", len(requests), raw)
			}
			if err := c.check(requests[0], raw); err != nil {
				t.Errorf("%v, in %q", err, raw)
			}
		})
	}
}

// meant is how a backend has to understand the message.
func (c forward) meant() recorder.Understood {
	parts := strings.Split(c.line, " ")
	return recorder.Understood{Method: parts[0], Target: parts[1], Host: target.HostA, Body: hex.EncodeToString([]byte(c.body))}
}

// check compares what the backend got with what it should have got.
func (c forward) check(r *received, raw []byte) error {
	if !bytes.Contains(raw, []byte(c.line+"\r\n")) {
		return fmt.Errorf("got no request line %q", c.line)
	}
	for name, want := range c.fields {
		if got := strings.Join(r.Values(name), "|"); got != want {
			return fmt.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	trailer := (&received{Fields: r.Trailer}).Values("x-checksum")
	if got := strings.Join(trailer, "|"); got != c.trailer {
		return fmt.Errorf("got the trailer %q, want %q", got, c.trailer)
	}
	return nil
}
