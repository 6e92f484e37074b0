package listener

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

func TestFilters(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Gone", "1")
			w.Header().Set("X-Set", "backend")
			fmt.Fprintf(w, "%s %s|%s|%s|%s|%s", r.Host, r.RequestURI, r.Header.Get("X-Set"), r.Header.Get("X-Gone"), strings.Join(r.Header["X-Add"], ","), r.Header.Get("X-Forwarded-Host"))
		})
		c := to(addr)
		edits := &proxyconfig.HeaderEdits{
			Set:    []proxyconfig.Header{{Name: "X-Set", Value: "rule"}},
			Add:    []proxyconfig.Header{{Name: "X-Add", Value: "rule"}},
			Remove: []string{"X-Gone"},
		}
		perRef := &proxyconfig.HeaderEdits{Add: []proxyconfig.Header{{Name: "X-Add", Value: "ref"}}}
		r := rule("/old", ref("b"))
		r.Filters = []proxyconfig.Filter{
			{Type: proxyconfig.FilterRequestHeaders, Headers: edits},
			{Type: proxyconfig.FilterResponseHeaders, Headers: edits},
			{Type: proxyconfig.FilterRewrite, Rewrite: &proxyconfig.Rewrite{Hostname: "inner", Path: &proxyconfig.PathRewrite{Type: proxyconfig.ReplacePrefixMatch, Value: "/new"}}},
		}
		r.Backends[0].Filters = []proxyconfig.Filter{
			{Type: proxyconfig.FilterRequestHeaders, Headers: perRef},
			{Type: proxyconfig.FilterResponseHeaders, Headers: perRef},
		}
		c.Routes = []proxyconfig.Route{route("r", r)}
		p := start(t, settings{driver: d}, c)
		req, _ := http.NewRequest("GET", p.url("/old/x?q"), nil)
		req.Host = "outer"
		for _, name := range []string{"X-Set", "X-Gone", "X-Add"} {
			req.Header.Set(name, "client")
		}
		resp, body := do(t, client(t), req)
		if want := "inner /new/x?q|rule||client,rule,ref|outer"; body != want {
			t.Errorf("got %s, want %s", body, want)
		}
		if h := resp.Header; h.Get("X-Set") != "rule" || h.Get("X-Gone") != "" || strings.Join(h["X-Add"], ",") != "rule,ref" {
			t.Errorf("got response fields %v", h)
		}
	})
}

func TestWeights(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		c := to()
		c.Backends = nil
		var refs []proxyconfig.BackendRef
		for _, name := range []string{"a", "b", "none"} {
			_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name) })
			if name != "none" {
				c.Backends = append(c.Backends, backendAt(name, addr))
				refs = append(refs, ref(name))
			}
		}
		refs[0].Weight, refs[1].Weight = 6, 3
		c.Routes = []proxyconfig.Route{route("r", rule("/", append(refs, proxyconfig.BackendRef{Weight: 1})...))}
		p := start(t, settings{driver: d}, c)
		got := map[string]int{}
		cl := client(t)
		for range 1000 {
			resp, body := fetch(t, cl, "GET", p.url("/"), nil)
			if resp.StatusCode == 500 {
				body = "500"
			}
			got[body]++
		}
		for body, want := range map[string]int{"a": 600, "b": 300, "500": 100} {
			if n := got[body]; n < want*9/10 || n > want*11/10 {
				t.Errorf("%s: got %d, want about %d", body, n, want)
			}
		}
	})
}

// A port with TLS is served over the same core.
func TestTLS(t *testing.T) {
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %d", r.Header.Get("X-Forwarded-Proto"), len(b))
	})
	p := start(t, settings{}, to(addr))
	snap := *p.current.Load()
	port := *snap.Ports[0]
	cert := selfSigned(t)
	port.TLS = &snapshot.TLS{Config: &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}}
	snap.Ports = []*snapshot.Port{&port}
	p.current.Store(&snap)
	if errs := p.set.Apply(&snap); len(errs) != 0 {
		t.Fatal(errs)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "a.example"}}
	t.Cleanup(tr.CloseIdleConnections)
	cl := &http.Client{Transport: tr}
	for _, n := range []int{3, 1 << 20} {
		resp, body := fetch(t, cl, "POST", "https://"+p.addr()+"/", strings.NewReader(strings.Repeat("x", n)))
		if resp.StatusCode != 200 || body != fmt.Sprintf("https %d", n) {
			t.Errorf("got %d %q", resp.StatusCode, body)
		}
	}
	c := p.dial()
	c.sendRaw("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got, _ := io.ReadAll(c.r); strings.HasPrefix(string(got), "HTTP/1.1 200") {
		t.Errorf("plaintext got %q", got)
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"a.example"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
