package reverseproxy

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// patience bounds each wait; nothing that works comes near it.
const patience = 20 * time.Second

// backend is an origin whose handler each test gives.
func backend(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// front is the proxy before the handler, with edits of the configuration.
func front(t *testing.T, handler http.HandlerFunc, edits ...func(*proxyconfig.Config)) string {
	t.Helper()
	c := edge.To(backend(t, handler))
	for _, edit := range edits {
		edit(c)
	}
	return edge.Start(t, edge.Options{Config: c}).Addr("http")
}

// filters puts filters into the only rule.
func filters(f ...proxyconfig.Filter) func(*proxyconfig.Config) {
	return func(c *proxyconfig.Config) { c.Routes[0].Rules[0].Filters = f }
}

// client keeps no connections, follows no redirects and decodes nothing.
var client = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func request(t *testing.T, method, addr, target string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+addr+target, body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// raw is a connection on which a test writes bytes and reads answers.
type raw struct {
	*net.TCPConn
	r *bufio.Reader
}

func dial(t *testing.T, addr, text string) raw {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return raw{c.(*net.TCPConn), bufio.NewReader(c)}
}

// answer reads the head of a response.
func (c raw) answer(t *testing.T, method string) *http.Response {
	t.Helper()
	answer, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// within fails when the channel does not deliver.
func within[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return v
}
