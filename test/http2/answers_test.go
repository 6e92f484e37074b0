package http2

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// An HTTP/1.1 backend's answer, and what becomes of it by HTTP/2.
type answer struct {
	name string
	// method is GET unless it is set.
	method string
	// raw is what the backend sends, and with closes the end of it.
	raw    string
	closes bool

	status  string
	body    string
	has     []string // fields as "name: value"
	lacks   []string // names
	trailer string   // as "name: value"
	interim int
	// cut says that the client may have got a head, and sees the stream end
	// before the response does.
	cut bool
}

const hopByHop = "Connection: close, X-Hop\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nX-Hop: y\r\n"

var answers = []answer{
	{name: "length", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Some: Thing\r\n\r\nhello",
		status: "200", body: "hello", has: []string{"content-length: 5", "x-some: Thing"}},
	{name: "chunks", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
		status: "200", body: "hello", lacks: []string{"transfer-encoding", "content-length"}},
	{name: "trailers", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Checksum: abc\r\n\r\n",
		status: "200", body: "x", trailer: "x-checksum: abc"},
	{name: "end of the connection", raw: "HTTP/1.1 200 OK\r\n\r\nhello", closes: true, status: "200", body: "hello"},
	{name: "hop-by-hop fields", raw: "HTTP/1.1 200 OK\r\n" + hopByHop + "Content-Length: 2\r\n\r\nok", closes: true, status: "200",
		body: "ok", lacks: []string{"connection", "keep-alive", "proxy-connection", "x-hop", "upgrade"}},
	{name: "cookies stay apart", raw: "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
		status: "200", has: []string{"set-cookie: a=1", "set-cookie: b=2"}},
	{name: "interim responses", raw: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		status: "200", body: "ok", interim: 1},
	{name: "HEAD", method: "HEAD", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", status: "200", has: []string{"content-length: 5"}},
	{name: "HEAD with a body", method: "HEAD", raw: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", status: "200"},
	{name: "204", raw: "HTTP/1.1 204 No Content\r\n\r\n", status: "204", lacks: []string{"content-length"}},
	{name: "304", raw: "HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\nContent-Length: 5\r\n\r\n", status: "304", has: []string{`etag: "x"`}},

	{name: "two lengths", raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhey", status: "502"},
	{name: "length and chunks", raw: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status: "502"},
	{name: "length with a sign", raw: "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", status: "502"},
	{name: "unknown encoding", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", status: "502"},
	{name: "status of two digits", raw: "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", status: "502"},
	{name: "no HTTP", raw: "SSH-2.0-x\r\n\r\n", closes: true, status: "502"},
	{name: "space before a colon", raw: "HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n", status: "502"},
	{name: "folded field", raw: "HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n", status: "502"},
	{name: "NUL in a value", raw: "HTTP/1.1 200 OK\r\nX: y\x00z\r\nContent-Length: 0\r\n\r\n", status: "502"},
	{name: "carriage return in a value", raw: "HTTP/1.1 200 OK\r\nX: y\rz\r\nContent-Length: 0\r\n\r\n", status: "502"},
	{name: "101 that nobody asked for", raw: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", status: "502"},
	{name: "head without end", raw: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 2<<20), status: "502"},
	{name: "no answer", closes: true, status: "502"},

	{name: "body that breaks off", raw: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", closes: true, cut: true},
	{name: "chunks that break off", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", closes: true, cut: true},
	{name: "chunk size that is no number", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n-1\r\n\r\n", cut: true},
	{name: "chunk longer than its size", raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n", cut: true},
}

// answering sends the answer whose number is the request's path.
func answering(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answerAll(conn)
		}
	}()
	return listener.Addr().String()
}

func answerAll(conn net.Conn) {
	defer conn.Close()
	for reader := bufio.NewReader(conn); ; {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		raw, closes := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false
		if i, err := strconv.Atoi(path.Base(request.URL.Path)); err == nil {
			raw, closes = answers[i].raw, answers[i].closes
		}
		if _, err := io.WriteString(conn, raw); err != nil || closes {
			return
		}
	}
}

func TestAnswers(t *testing.T) {
	proxy := target.Start(t, target.Backend{Address: answering(t)})
	for i, a := range answers {
		t.Run(a.name, func(t *testing.T) {
			conn := dial(t, proxy)
			method := "GET"
			if a.method != "" {
				method = a.method
			}
			send(t, conn.Headers(1, true, wire.Request(method, target.HostA, fmt.Sprint("/", i))...))
			if err := a.check(conn.Response(1, grpcPatience)); err != nil {
				t.Error(err)
			}
			// Whatever the backend did, a request that follows is answered right.
			for stream := uint32(3); stream < 9; stream += 2 {
				wantOK(t, conn, stream)
			}
		})
	}
}

// check compares what the client saw with what it should have seen.
func (a answer) check(o wire.Outcome) error {
	if a.cut {
		if o.Complete && o.Status() != "502" || errors.Is(o.Err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("got %v, want a response that is visibly cut", o)
		}
		return nil
	}
	if o.Status() != a.status || !o.Complete || a.status != "502" && string(o.Body) != a.body {
		return fmt.Errorf("got %v with %q, want status %s with %q", o, o.Body, a.status, a.body)
	}
	for _, line := range a.has {
		if !slices.ContainsFunc(o.Fields, func(f hpack.HeaderField) bool { return f.Name+": "+f.Value == line }) {
			return fmt.Errorf("got %v, want %q", o.Fields, line)
		}
	}
	for _, name := range a.lacks {
		if value := wire.Get(o.Fields, name); value != "" {
			return fmt.Errorf("got %s: %s, want none", name, value)
		}
	}
	if name, value, ok := strings.Cut(a.trailer, ": "); ok && wire.Get(o.Trailers, name) != value {
		return fmt.Errorf("got trailers %v, want %q", o.Trailers, a.trailer)
	}
	if len(o.Interim) != a.interim {
		return fmt.Errorf("got %d interim responses, want %d", len(o.Interim), a.interim)
	}
	return nil
}
