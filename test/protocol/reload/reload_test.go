package reload

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/internal/long"
	"github.com/fleetgate/fleetgate/test/internal/edge"
)

const name = "a.example"

// backend answers by its name.
func backend(t *testing.T, name string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// epochs numbers what has served so far. It is safe for concurrent use.
type epochs struct {
	mu    sync.Mutex
	of    map[string]int
	least int
}

// next is what serves from some time on.
func (e *epochs) next(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.of == nil {
		e.of = make(map[string]int)
	}
	e.of[what] = len(e.of)
}

// over says that only the last one serves whatever begins from now on.
func (e *epochs) over() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.least = len(e.of) - 1
}

// now is what serves at least whatever begins now.
func (e *epochs) now() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.least
}

// check says what is wrong with what has served something that began in an epoch.
func (e *epochs) check(what string, began int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if epoch, known := e.of[what]; !known || epoch < began {
		return fmt.Errorf("served by what was number %d (known: %v), when number %d did", epoch, known, began)
	}
	return nil
}

// Certificates are replaced under load, on connections that last and on new ones.
func TestCertificatesRotateUnderLoad(t *testing.T) {
	rotations := long.N(20, 1000)
	certificate := edge.NewCertificate(t, "a", name)
	c := edge.To(backend(t, "one"))
	c.Listeners = append(c.Listeners, proxyconfig.Listener{
		Name: "https", Protocol: proxyconfig.HTTPS, Certificates: []proxyconfig.CertificateRef{certificate.Ref()},
	})
	c.Routes[0].Attachments = append(c.Routes[0].Attachments, proxyconfig.Attachment{Listener: "https", Hostnames: []string{""}})
	p := edge.Start(t, edge.Options{Config: c, Certificates: []edge.Certificate{certificate}})

	var shown epochs
	shown.next(serial(t, certificate))
	l := start(t, "https://"+p.Addr("https"), anything,
		client(&shown, true, false), client(&shown, false, false), client(&shown, true, true), client(&shown, false, true))
	for range rotations {
		renewed := edge.NewCertificate(t, "a", name)
		shown.next(serial(t, renewed))
		c.Listeners[1].Certificates[0] = renewed.Ref()
		p.Reload(c, renewed)
		shown.over()
		l.more(10)
	}
	requests := l.stop(t)
	long.Report(t, "Rotations of a certificate under load", rotations, fmt.Sprintf("%d requests, 0 failed", requests))
}

func anything(string) error { return nil }

// client makes handshakes that want the certificate of the time, for each request or
// for all of them.
func client(shown *epochs, kept, http2 bool) *http.Client {
	transport := &http.Transport{DisableKeepAlives: !kept, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetHTTP2(http2)
	// No two dials share a configuration, as each begins at a time of its own.
	transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		began := shown.now()
		config := &tls.Config{ServerName: name, NextProtos: []string{"http/1.1"}, InsecureSkipVerify: true}
		if http2 {
			config.NextProtos = []string{"h2"}
		}
		config.VerifyConnection = func(s tls.ConnectionState) error {
			return shown.check(s.PeerCertificates[0].SerialNumber.Text(16), began)
		}
		return (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
	}
	return &http.Client{Transport: transport}
}

func serial(t *testing.T, c edge.Certificate) string {
	t.Helper()
	pair, err := tls.X509KeyPair(c.CertPEM, c.Private)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.SerialNumber.Text(16)
}

// Endpoints come and go under load. They all go on serving, as pods do that are on
// their way out.
func TestEndpointsFlapUnderLoad(t *testing.T) {
	changes := long.N(20, 1000)
	addresses := []string{backend(t, "0"), backend(t, "1"), backend(t, "2")}
	c := edge.To(addresses...)
	p := edge.Start(t, edge.Options{Config: c})
	url := "http://" + p.Addr("http")
	l := start(t, url, anything, &http.Client{Transport: &http.Transport{}}, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	own := &http.Client{Transport: &http.Transport{}}
	defer own.CloseIdleConnections()
	for i := range changes {
		only := i % len(addresses)
		c.Backends[0].Endpoints = edge.To(addresses[only]).Backends[0].Endpoints
		p.Reload(c)
		for range 5 {
			if err := ask(t.Context(), own, url, equals(fmt.Sprint(only))); err != nil {
				t.Fatalf("after change %d: %v", i, err)
			}
		}
		c.Backends[0].Endpoints = edge.To(addresses...).Backends[0].Endpoints
		p.Reload(c)
		l.more(10)
	}
	requests := l.stop(t)
	long.Report(t, "Endpoints that flap under load", changes, fmt.Sprintf("%d requests, 0 failed", requests))
}

func equals(want string) func(string) error {
	return func(body string) error {
		if body != want {
			return fmt.Errorf("answered by backend %s, want %s", body, want)
		}
		return nil
	}
}
