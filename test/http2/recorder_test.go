package http2

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// record is what the backend got as one request.
type record struct {
	// raw are its bytes, and head those before the body.
	raw, head string
	*http.Request
	body string
	// broken says why it is not a whole request.
	broken error
}

// recorder is an HTTP/1.1 backend that writes down every byte, and answers
// every whole request with 200. It is safe for concurrent use.
type recorder struct {
	listener net.Listener

	mu      sync.Mutex
	records []record
}

func startRecorder(t *testing.T) *recorder {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{listener: listener}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go r.serve(conn)
		}
	}()
	return r
}

func (r *recorder) address() string { return r.listener.Addr().String() }

// serve records the requests of one connection until one is broken.
func (r *recorder) serve(conn net.Conn) {
	defer conn.Close()
	var bytesRead bytes.Buffer
	reader := bufio.NewReader(io.TeeReader(conn, &bytesRead))
	for {
		got := readRecord(reader)
		got.raw = string(bytesRead.Next(bytesRead.Len() - reader.Buffered()))
		got.head, _, _ = strings.Cut(got.raw, "\r\n\r\n")
		if got.raw == "" {
			return
		}
		r.add(got)
		if got.broken != nil {
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
			return
		}
	}
}

func readRecord(reader *bufio.Reader) (got record) {
	if got.Request, got.broken = http.ReadRequest(reader); got.broken != nil {
		return got
	}
	body, err := io.ReadAll(got.Body)
	got.body, got.broken = string(body), err
	return got
}

func (r *recorder) add(got record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, got)
}

// take returns what was recorded since the last call.
func (r *recorder) take() []record {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.records
	r.records = nil
	return taken
}
