package recorder

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/protocol/message"
)

func send(t *testing.T, b *Backend, text string) (answer string, end func()) {
	t.Helper()
	c, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, text)
	c.(*net.TCPConn).CloseWrite()
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got), func() { c.Close() }
}

func TestKeepsBytesAndAnswers(t *testing.T) {
	b := Start(t, Echo)
	const two = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
	answer, end := send(t, b, two)
	defer end()
	if !strings.Contains(answer, `"target":"/1"`) || !strings.Contains(answer, `"body":"6162"`) {
		t.Errorf("got %q", answer)
	}
	streams := b.Take()
	if len(streams) != 1 || string(streams[0].Bytes) != two || streams[0].Broken != nil || !streams[0].Ended {
		t.Errorf("got %+v", streams)
	}
	if got := b.Take(); len(got) != 0 || b.Requests() != 2 || b.Accepted() != 1 || b.Open() != 0 {
		t.Errorf("afterwards: got %+v, %d requests", got, b.Requests())
	}
}

func TestSaysWhatIsBroken(t *testing.T) {
	b := Start(t, Echo)
	_, end := send(t, b, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
	defer end()
	if s := b.Take(); len(s) != 1 || !errors.Is(s[0].Broken, message.ErrIncomplete) {
		t.Errorf("a body that ends early: got %+v", s)
	}
	answer, end := send(t, b, "GET / HTTP/1.1\r\nHost : h\r\n\r\n")
	defer end()
	if s := b.Take(); !strings.HasPrefix(answer, "HTTP/1.1 400") || len(s) != 1 || s[0].Broken == nil || s[0].Broken == message.ErrIncomplete {
		t.Errorf("a malformed field: got %q, %+v", answer, s)
	}
}

func TestAsksForTheBody(t *testing.T) {
	b := Start(t, Echo)
	c, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	buf := make([]byte, 25)
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("got %q, %v", buf, err)
	}
	io.WriteString(c, "ab")
	if _, err := io.ReadFull(c, buf[:12]); err != nil || string(buf[:12]) != "HTTP/1.1 200" {
		t.Fatalf("got %q, %v", buf[:12], err)
	}
}
