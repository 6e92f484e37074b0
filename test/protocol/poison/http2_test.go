package poison

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"golang.org/x/net/http2"

	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// http2Conn is a connection of HTTP/2.
type http2Conn struct {
	*wire.Conn
	scheme string
	random *rand.Rand
	// next is the next stream.
	next uint32
}

// window is more than all that a connection gets in a test.
const window = 1 << 30

func dialHTTP2(addr string, config *tls.Config, random *rand.Rand) (connection, error) {
	c, err := wire.Dial(addr, config)
	if err != nil {
		return nil, err
	}
	h := &http2Conn{Conn: c, scheme: "http", random: random, next: 1}
	if config != nil {
		h.scheme = "https"
	}
	return h, errors.Join(c.Preface(), c.Framer.WriteWindowUpdate(0, window))
}

func (h *http2Conn) most(request) int { return 6 }

// round opens a stream for each request, with their frames in any order.
func (h *http2Conn) round(requests []request) (answers []answer, keep bool) {
	waiting := make([][]frame, len(requests))
	ids := make([]uint32, len(requests))
	var awaited []uint32
	for i, r := range requests {
		ids[i], waiting[i] = h.next, h.frames(h.next, r)
		h.next += 2
		if r.kind != abandoned {
			awaited = append(awaited, ids[i])
		}
	}
	for f := range shuffled(h.random, waiting) {
		// An end of the connection shows in what is read.
		_ = f()
		if h.random.IntN(4) == 0 {
			_ = h.Flush()
		}
	}
	answers, keep = h.read(requests, awaited)
	for i, r := range requests {
		if r.kind == late {
			_ = h.data(ids[i], r.body[len(r.body)/2:], true)()
		}
	}
	return answers, keep
}

// read reads what comes of the streams, unless the client breaks the connection
// with all of them on it.
func (h *http2Conn) read(requests []request, awaited []uint32) (answers []answer, keep bool) {
	broken := h.random.IntN(60)
	switch broken {
	case 0:
		_ = h.Flush()
		return nil, false
	case 1:
		// Frames on a stream that is not open are an error of the connection.
		_ = h.Framer.WriteData(h.next+2, false, []byte("idle"))
	}
	outcomes := h.Responses(patience, awaited...)
	for _, r := range requests {
		if r.kind == abandoned {
			answers = append(answers, answer{})
			continue
		}
		a := answerOf(outcomes[0])
		a.excused = broken == 1
		answers, outcomes = append(answers, a), outcomes[1:]
	}
	return answers, broken != 1
}

func answerOf(o wire.Outcome) answer {
	a := answer{target: wire.Get(o.Fields, "x-target"), body: string(o.Body)}
	a.status, _ = strconv.Atoi(o.Status())
	if !o.Complete {
		a.err = errors.New(o.String())
	}
	return a
}

// frame writes a frame.
type frame func() error

// frames are the request by HTTP/2.
func (h *http2Conn) frames(id uint32, r request) []frame {
	if r.kind == malformed {
		return h.malformed(id, r)
	}
	var more []string
	if !r.chunked && r.body != "" {
		more = []string{"content-length", strconv.Itoa(len(r.body))}
	}
	frames := []frame{h.head(id, r, r.body == "", more...)}
	half := len(r.body) / 2
	switch {
	case r.kind == abandoned:
		return append(frames, h.data(id, r.body[:half], false), func() error { return h.Framer.WriteRSTStream(id, http2.ErrCodeCancel) })
	case r.kind == late:
		return append(frames, h.data(id, r.body[:half], false))
	case r.body != "":
		return append(frames, h.data(id, r.body[:half], false), h.data(id, r.body[half:], true))
	}
	return frames
}

func (h *http2Conn) head(id uint32, r request, end bool, more ...string) frame {
	fields := append([]string{":method", r.method, ":scheme", h.scheme, ":authority", "a.example", ":path", r.target}, more...)
	return func() error { return h.Headers(id, end, wire.Fields(fields...)...) }
}

func (h *http2Conn) data(id uint32, b string, end bool) frame {
	return func() error { return h.Framer.WriteData(id, end, []byte(b)) }
}

// malformed are the frames of a malformed request.
func (h *http2Conn) malformed(id uint32, r request) []frame {
	head := func(more ...string) frame { return h.head(id, r, false, more...) }
	length := strconv.Itoa(len(r.body))
	variants := [][]frame{
		{head("content-length", length), h.data(id, r.body+r.smuggled, true)},
		{head("content-length", length), h.data(id, r.body[1:], true)},
		{head("content-length", "0"), h.data(id, r.smuggled, true)},
		{head("transfer-encoding", "chunked"), h.data(id, "0\r\n\r\n"+r.smuggled, true)},
		{head("connection", "x"), h.data(id, r.smuggled, true)},
		{head("x", "y\r\n\r\n"+r.smuggled), h.data(id, "", true)},
		{head("X", "y"), h.data(id, r.smuggled, true)},
		{head(), h.data(id, r.body, false), func() error { return h.Headers(id, true, wire.Fields(":path", "/smuggled/")...) }},
		{head(), h.data(id, r.body, false), func() error { return h.Headers(id, true, wire.Fields("x", "y\r\n\r\n"+r.smuggled)...) }},
		{func() error {
			return h.Headers(id, true, wire.Fields(":method", "GET", ":scheme", h.scheme, ":authority", "a.example",
				":path", fmt.Sprintf("%s HTTP/1.1\r\nHost: a.example\r\n\r\n%s", r.target, r.smuggled))...)
		}},
	}
	return variants[r.variant%len(variants)]
}

// shuffled returns the frames of several streams in any order in which each stream
// has its own, and streams open in theirs.
func shuffled(random *rand.Rand, streams [][]frame) func(yield func(frame) bool) {
	return func(yield func(frame) bool) {
		opened := 0
		var open []int
		for opened < len(streams) || len(open) > 0 {
			at := random.IntN(len(open) + 1)
			if at == len(open) {
				if opened == len(streams) {
					continue
				}
				open, opened = append(open, opened), opened+1
			}
			i := open[at]
			f := streams[i][0]
			if streams[i] = streams[i][1:]; len(streams[i]) == 0 {
				open = append(open[:at], open[at+1:]...)
			}
			if !yield(f) {
				return
			}
		}
	}
}
