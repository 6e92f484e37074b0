package listener

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames is an HTTP/2 client that writes its frames itself, many of them at once.
type frames struct {
	*http2.Framer
	out  bytes.Buffer
	conn net.Conn
	// status has that of each stream, body what came with it, and ended how many
	// responses have.
	status map[uint32]string
	body   map[uint32]string
	ended  int
}

func newFrames(t *testing.T, p *proxy) *frames {
	c := p.dial()
	f := &frames{conn: c.TCPConn, status: map[uint32]string{}, body: map[uint32]string{}}
	f.Framer = http2.NewFramer(&f.out, c.TCPConn)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.out.WriteString(http2.ClientPreface)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return f
}

// head writes the head of a request, or a trailer section.
func (f *frames) head(stream uint32, last bool, fields ...string) {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: last})
}

// flush sends what was written.
func (f *frames) flush(t *testing.T) {
	if _, err := f.out.WriteTo(f.conn); err != nil {
		t.Fatal(err)
	}
}

// await reads until so many responses have ended.
func (f *frames) await(t *testing.T, n int) {
	for f.ended < n {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if status := frame.PseudoValue("status"); status != "" {
				f.status[frame.StreamID] = status
			}
		case *http2.DataFrame:
			f.body[frame.StreamID] += string(frame.Data())
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			t.Fatalf("got %v", frame)
		}
		if frame.Header().Flags.Has(http2.FlagDataEndStream) && frame.Header().Type <= http2.FrameHeaders {
			f.ended++
		}
	}
}

// Bodies whose bytes come by a frame each, those of several streams in turn, arrive
// whole and in order at backends of their own.
func TestHTTP2FramesOfOneByteInTurn(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %v %s", r.URL.Path, r.Trailer.Get("X-Sum"), err, body)
		})
		p := start(t, settings{driver: d}, to(addr))
		f := newFrames(t, p)
		const streams, size = 5, 3000
		want := map[uint32]string{}
		for i := range uint32(streams) {
			id := 2*i + 1
			f.head(id, false, ":method", "POST", ":scheme", "http", ":authority", "a", ":path", fmt.Sprint("/", id))
		}
		f.flush(t)
		for n := range size {
			for i := range uint32(streams) {
				id := 2*i + 1
				b := byte('a' + (n*7+int(id)*3)%26)
				want[id] += string(b)
				_ = f.WriteData(id, false, []byte{b})
			}
			if n%700 == 0 {
				f.flush(t)
			}
		}
		for i := range uint32(streams) {
			f.head(2*i+1, true, "x-sum", fmt.Sprint(i))
		}
		f.flush(t)
		f.await(t, streams)
		for i := range uint32(streams) {
			id := 2*i + 1
			whole := fmt.Sprintf("/%d %d <nil> %s", id, i, want[id])
			if f.status[id] != "200" || f.body[id] != whole {
				t.Errorf("stream %d: got %s, %.60q and %d bytes, want %.60q and %d", id, f.status[id], f.body[id], len(f.body[id]), whole, len(whole))
			}
		}
	})
}

// The same of a body whose length is known, and so goes on without chunks.
func TestHTTP2FramesOfOneByteWithALength(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%d %v %s", r.ContentLength, err, body)
		})
		p := start(t, settings{driver: d}, to(addr))
		f := newFrames(t, p)
		want := strings.Repeat("0123456789", 300)
		for _, id := range []uint32{1, 3} {
			f.head(id, false, ":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/", "content-length", fmt.Sprint(len(want)))
		}
		for i := range want {
			for _, id := range []uint32{1, 3} {
				_ = f.WriteData(id, i == len(want)-1, []byte{want[i]})
			}
		}
		f.flush(t)
		f.await(t, 2)
		for _, id := range []uint32{1, 3} {
			if got, whole := f.body[id], fmt.Sprintf("%d <nil> %s", len(want), want); got != whole {
				t.Errorf("stream %d: got %.60q and %d bytes, want %d", id, got, len(got), len(whole))
			}
		}
	})
}
