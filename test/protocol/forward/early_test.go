package forward

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// hasty is a backend that answers each connection as soon as a head is there,
// and keeps what comes behind it until the proxy ends the connection.
func hasty(t *testing.T, answer string) (addr string, behind <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	kept := make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for line := ""; line != "\r\n" && err == nil; {
					line, err = r.ReadString('\n')
				}
				io.WriteString(c, answer)
				rest, _ := io.ReadAll(r)
				kept <- string(rest)
			}()
		}
	}()
	return l.Addr().String(), kept
}

// A backend that answers before a body is there gets no other request on that
// connection, nor does the client: each might take the body for one.
func TestEarlyAnswers(t *testing.T) {
	const waits = "POST / HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 45\r\n\r\n"
	tests := []struct{ name, request, answer string }{
		{"417 to a client that waits", waits, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"},
		{"200 to a client that waits", waits, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{"200 within a body", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 145\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{"200 within chunks", "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr, behind := hasty(t, tt.answer)
			p := edge.Start(t, edge.Options{Config: edge.To(addr)})
			c, err := net.Dial("tcp", p.Addr("http"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			io.WriteString(c, tt.request)
			r := bufio.NewReader(c)
			answer, err := http.ReadResponse(r, nil)
			if err != nil || !answer.Close {
				t.Fatalf("got %+v, %v", answer, err)
			}
			io.ReadAll(answer.Body)
			// The client may find the connection closed.
			_, _ = io.WriteString(c, smuggled)
			if rest, _ := io.ReadAll(r); len(rest) > 0 {
				t.Errorf("another answer: %q", rest)
			}
			select {
			case rest := <-behind:
				if strings.Contains(rest, "smuggled") {
					t.Errorf("the backend got %q", rest)
				}
			case <-time.After(patience):
				t.Error("the backend's connection is still open")
			}
		})
	}
}

// What a client sends behind an upgrade that the backend refuses is HTTP again,
// and is read as strictly.
func TestRefusedUpgrade(t *testing.T) {
	const upgrade = "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	addr, behind := hasty(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	p := edge.Start(t, edge.Options{Config: edge.To(addr)})
	for _, bytes := range []string{"\x81\x05hello", "GET /smuggled HTTP/1.1\nHost: a\n\n", "POST /smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"} {
		c, err := net.Dial("tcp", p.Addr("http"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		io.WriteString(c, upgrade+bytes)
		out, _ := io.ReadAll(c)
		got, rest := answers(out, nil)
		if len(got) < 1 || got[0].status != 200 || len(got) > 2 || len(got) == 2 && got[1].status != 400 || len(rest) > 0 {
			t.Errorf("%q: got %+v, %q", bytes, got, rest)
		}
		select {
		case rest := <-behind:
			if rest != "" {
				t.Errorf("%q: the backend got %q", bytes, rest)
			}
		case <-time.After(patience):
			t.Error("the backend's connection is still open")
		}
	}
}
