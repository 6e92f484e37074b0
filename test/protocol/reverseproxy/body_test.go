package reverseproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// framing is what a backend is told of a body.
type framing struct {
	length int64
	coding []string
	body   int
}

func frame(t *testing.T, method string, body io.Reader) framing {
	t.Helper()
	seen := make(chan framing, 1)
	addr := front(t, func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen <- framing{r.ContentLength, r.TransferEncoding, len(b)}
	})
	do(t, request(t, method, addr, "/", body))
	return within(t, "request", seen)
}

func TestNilBody(t *testing.T) {
	if got := frame(t, "GET", nil); got.length != 0 || got.coding != nil || got.body != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestReverseProxy_NilBody(t *testing.T) {
	if got := frame(t, "DELETE", nil); got.length != 0 || got.coding != nil || got.body != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestReverseProxy_Post(t *testing.T) {
	const size = 1 << 20
	if got := frame(t, "POST", strings.NewReader(strings.Repeat("a", size))); got.length != size || got.body != size {
		t.Errorf("with a length: got %+v", got)
	}
	unknown := struct{ io.Reader }{strings.NewReader(strings.Repeat("a", size))}
	if got := frame(t, "POST", unknown); got.length != -1 || !slices.Equal(got.coding, []string{"chunked"}) || got.body != size {
		t.Errorf("in chunks: got %+v", got)
	}
}

func TestReverseProxyErrorHandler(t *testing.T) {
	nobody := fmt.Sprint("127.0.0.1:", edge.FreePort(t))
	addr := edge.Start(t, edge.Options{Config: edge.To(nobody)}).Addr("http")
	answer, _ := do(t, request(t, "GET", addr, "/", nil))
	if answer.StatusCode != http.StatusBadGateway && answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("nobody listens: got %d", answer.StatusCode)
	}
	hangup := front(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if answer, _ := do(t, request(t, "POST", hangup, "/", nil)); answer.StatusCode != http.StatusBadGateway {
		t.Errorf("the backend hangs up: got %d", answer.StatusCode)
	}
}

// brokenOff makes a request whose answer breaks off after one byte.
func brokenOff(t *testing.T, header, value string) {
	t.Helper()
	addr := front(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(header, value)
		w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	answer, err := client.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("it looks whole: %q", body)
	}
}

func TestReverseProxy_CopyBuffer(t *testing.T)     { brokenOff(t, "Content-Length", "100") }
func TestReverseProxy_PanicBodyError(t *testing.T) { brokenOff(t, "X-Coding", "chunked") }

// A backend that breaks off ends the client's upload too.
func TestReverseProxy_PanicClosesIncomingBody(t *testing.T) {
	addr := front(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	c := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := []byte("400\r\n" + strings.Repeat("x", 1024) + "\r\n")
	for {
		if _, err := c.Write(chunk); err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("the upload is still taken")
			}
			return
		}
	}
}

func TestReverseProxyCancellation(t *testing.T) {
	began, ended := make(chan bool, 1), make(chan error, 1)
	addr := front(t, func(_ http.ResponseWriter, r *http.Request) {
		began <- true
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	ctx, cancel := context.WithCancel(context.Background())
	r := request(t, "GET", addr, "/", nil).WithContext(ctx)
	go func() {
		within(t, "request", began)
		cancel()
	}()
	if _, err := client.Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := within(t, "end of the backend's request", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("the backend: got %v", err)
	}
}

// flows says that a part of an answer reaches the client while the backend still
// holds the rest.
func flows(t *testing.T, part string, set ...string) {
	t.Helper()
	release := make(chan bool)
	addr := front(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(set); i += 2 {
			w.Header().Set(set[i], set[i+1])
		}
		w.Write([]byte(part))
		w.(http.Flusher).Flush()
		<-release
		w.Write([]byte("end"))
	})
	answer, err := client.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got := make([]byte, len(part))
	if _, err := io.ReadFull(answer.Body, got); err != nil || string(got) != part {
		t.Errorf("got %q, %v", got, err)
	}
	close(release)
	if rest, err := io.ReadAll(answer.Body); err != nil || string(rest) != "end" {
		t.Errorf("rest: got %q, %v", rest, err)
	}
}

func TestReverseProxyFlushInterval(t *testing.T) { flows(t, "hi") }
func TestReverseProxyResponseControllerFlushInterval(t *testing.T) {
	flows(t, "hi", "Content-Length", "5")
}
func TestReverseProxyFlushIntervalHeaders(t *testing.T) { flows(t, "") }
func TestSelectFlushInterval(t *testing.T) {
	flows(t, "data: x\n\n", "Content-Type", "text/event-stream")
}

func TestUnannouncedTrailer(t *testing.T) {
	addr := front(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Unannounced", "value")
	})
	answer, _ := do(t, request(t, "GET", addr, "/", nil))
	if got := answer.Trailer.Get("X-Unannounced"); got != "value" {
		t.Errorf("got %q", got)
	}
}

// hints answers with three interim responses.
func hints(w http.ResponseWriter, _ *http.Request) {
	for _, link := range []string{"</a.css>", "</b.css>", "</c.css>"} {
		w.Header().Set("Link", link)
		w.WriteHeader(http.StatusEarlyHints)
	}
	w.Header().Del("Link")
	w.Header().Set("X-Final", "1")
	w.Write([]byte("Hello"))
}

func Test1xxResponses(t *testing.T) {
	c := dial(t, front(t, hints), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	var links []string
	for {
		answer := c.answer(t, "GET")
		if answer.StatusCode != http.StatusEarlyHints {
			body, err := io.ReadAll(answer.Body)
			if answer.StatusCode != 200 || string(body) != "Hello" || err != nil {
				t.Errorf("got %d %q, %v", answer.StatusCode, body, err)
			}
			break
		}
		links = append(links, answer.Header.Get("Link"))
	}
	if !slices.Equal(links, []string{"</a.css>", "</b.css>", "</c.css>"}) {
		t.Errorf("got %q", links)
	}
}

func Test1xxHeadersNotModifiedAfterRoundTrip(t *testing.T) {
	answer, _ := do(t, request(t, "GET", front(t, hints), "/", nil))
	if answer.Header.Get("Link") != "" || answer.Header.Get("X-Final") != "1" {
		t.Errorf("the final answer has %v", answer.Header)
	}
}
