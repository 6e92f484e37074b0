package http2

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
)

// misdirections are hosts asked for on a connection whose server name chose a
// listener (RFC 9110, section 15.5.20; GEP-3567). A request for the host of
// another listener would be served without what that one demands of TLS.
var misdirections = []struct{ name, host, status string }{
	{target.HostA, target.HostA, "200"},
	{target.HostA, target.HostA + ":443", "200"},
	{target.HostA, target.HostB, "421"},
	{target.HostB, target.HostA, "421"},
	{target.HostA, "A.EXAMPLE", "200"},
	{target.HostA, "B.Example:443", "421"},
	{target.HostA, "other.example", "421"},
}

func TestMisdirectedRequests(t *testing.T) {
	backend := recorder.Start(t, recorder.Echo)
	proxy := target.Start(t, target.Backend{Address: backend.Addr()})
	for _, version := range []struct {
		name string
		ask  func(c *tls.Config, address, host string) (string, error)
	}{{"HTTP1", askHTTP1}, {"HTTP2", askHTTP2}} {
		for _, m := range misdirections {
			t.Run(fmt.Sprintf("%s/%s for %s", version.name, m.name, m.host), func(t *testing.T) {
				before := backend.Requests()
				got, err := version.ask(proxy.ClientTLS(m.name), proxy.TLS, m.host)
				if err != nil || got != m.status {
					t.Errorf("got status %q and %v, want %s", got, err, m.status)
				}
				forwarded := 0
				if m.status == "200" {
					forwarded = 1
				}
				if got := backend.Requests() - before; got != forwarded {
					t.Errorf("the backend got %d requests, want %d", got, forwarded)
				}
			})
		}
	}
}

func askHTTP1(c *tls.Config, address, host string) (string, error) {
	conn, err := tls.Dial("tcp", address, c)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
	if err = errors.Join(err, conn.SetReadDeadline(time.Now().Add(grpcPatience))); err != nil {
		return "", err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return fmt.Sprint(answer.StatusCode), errors.Join(err, answer.Body.Close())
}

func askHTTP2(c *tls.Config, address, host string) (string, error) {
	conn, err := wire.Dial(address, c)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	err = errors.Join(conn.Preface(), conn.Headers(1, true, wire.Fields(
		":method", "GET", ":scheme", "https", ":authority", host, ":path", "/")...))
	return conn.Response(1, grpcPatience).Status(), err
}
