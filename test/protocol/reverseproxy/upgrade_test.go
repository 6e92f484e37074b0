package reverseproxy

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

const upgradeRequest = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"

// tunnel is a client's connection that was upgraded, with a backend's side that
// runs in a handler. Its end is reported.
func tunnel(t *testing.T, behind string, f func(c *net.TCPConn, r *bufio.Reader)) (raw, <-chan bool) {
	t.Helper()
	ended := make(chan bool)
	addr := front(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Connection") != "Upgrade" && r.Header.Get("Connection") != "upgrade" {
			t.Errorf("the backend got %v", r.Header)
		}
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer close(ended)
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nX-Kept: 1\r\n\r\n")
		f(c.(*net.TCPConn), rw.Reader)
	})
	c := dial(t, addr, upgradeRequest+behind)
	answer := c.answer(t, "GET")
	if answer.StatusCode != 101 || !strings.EqualFold(answer.Header.Get("Upgrade"), "websocket") || answer.Header.Get("X-Kept") != "1" {
		t.Fatalf("got %d %v", answer.StatusCode, answer.Header)
	}
	return c, ended
}

func TestReverseProxyWebSocket(t *testing.T) {
	c, ended := tunnel(t, "early\n", func(c *net.TCPConn, r *bufio.Reader) {
		for range 2 {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Error(err)
			}
			io.WriteString(c, "got "+line)
		}
	})
	if line, err := c.r.ReadString('\n'); line != "got early\n" {
		t.Errorf("got %q, %v", line, err)
	}
	io.WriteString(c, "late\n")
	if line, err := c.r.ReadString('\n'); line != "got late\n" {
		t.Errorf("got %q, %v", line, err)
	}
	within(t, "end", ended)
	if rest, err := io.ReadAll(c.r); len(rest) > 0 || err != nil {
		t.Errorf("then %q, %v", rest, err)
	}
}

func TestReverseProxyWebSocketCancellation(t *testing.T) {
	c, ended := tunnel(t, "", func(c *net.TCPConn, r *bufio.Reader) {
		if _, err := io.Copy(io.Discard, r); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the backend's side did not end")
		}
	})
	c.Close()
	within(t, "end", ended)
}

// Either side may end its sending and go on to receive.
func TestReverseProxyWebSocketHalfTCP(t *testing.T) {
	t.Run("the client first", func(t *testing.T) {
		c, _ := tunnel(t, "", func(c *net.TCPConn, r *bufio.Reader) {
			all, err := io.ReadAll(r)
			if err != nil {
				t.Error(err)
			}
			io.WriteString(c, "got "+string(all))
		})
		io.WriteString(c, "all")
		c.CloseWrite()
		if got, err := io.ReadAll(c.r); string(got) != "got all" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("the backend first", func(t *testing.T) {
		received := make(chan string, 1)
		c, _ := tunnel(t, "", func(c *net.TCPConn, r *bufio.Reader) {
			io.WriteString(c, "bye")
			c.CloseWrite()
			all, _ := io.ReadAll(r)
			received <- string(all)
		})
		if got, err := io.ReadAll(c.r); string(got) != "bye" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		io.WriteString(c, "still here")
		c.CloseWrite()
		if got := within(t, "bytes", received); got != "still here" {
			t.Errorf("the backend got %q", got)
		}
	})
}

// A backend's side that is reset takes the client's along.
func TestReverseProxyHijackCopyError(t *testing.T) {
	c, ended := tunnel(t, "", func(c *net.TCPConn, _ *bufio.Reader) { c.SetLinger(0) })
	within(t, "end", ended)
	if _, err := io.ReadAll(c.r); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the client's side did not end")
	}
}
