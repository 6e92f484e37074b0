package snapshot

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// l4Route is a route with one rule.
func l4Route(kind, name string, created int64, backend string, attachments ...proxyconfig.Attachment) proxyconfig.Route {
	r := route(name, created, []proxyconfig.Rule{{Backends: []proxyconfig.BackendRef{{Backend: backend, Weight: 1}}}}, attachments...)
	r.Kind = kind
	return r
}

func tlsListenerOf(name, hostname string, mode proxyconfig.TLSMode, refs ...proxyconfig.CertificateRef) proxyconfig.Listener {
	return proxyconfig.Listener{Name: name, Port: 443, Protocol: proxyconfig.TLS, TLSMode: mode, Hostname: hostname, Certificates: refs}
}

// l4Backends are backends by ID; one that ends in "/udp" is of UDP.
func l4Backends(ids ...string) []proxyconfig.Backend {
	out := backends(ids...)
	for i := range out {
		out[i].Protocol = proxyconfig.BackendTCP
		if strings.HasSuffix(out[i].ID, "/udp") {
			out[i].Protocol = proxyconfig.BackendUDP
		}
	}
	return out
}

// tell says what becomes of a client of a Mixed port.
func tell(p *Port, name string) string {
	l := p.TLSListener([]byte(name))
	if l == nil {
		return "no listener"
	}
	rule := l.Route([]byte(name))
	handling := [...]string{"passthrough", "terminate", "https"}[l.Handling]
	if rule == nil {
		return l.Listener.Name + " " + handling
	}
	return handling + " " + describe(rule)
}

func TestServerNameSelectsListenerAndRoute(t *testing.T) {
	w := newWorld(t)
	p := pairs{"one": newPair(t, "one", "raw.example.com"), "two": newPair(t, "two", "web.example.com")}
	w.certificates = p
	refused := w.apply(&proxyconfig.Config{
		Listeners: []proxyconfig.Listener{
			tlsListenerOf("pass", "*.example.com", proxyconfig.TLSPassthrough),
			tlsListenerOf("raw", "raw.example.com", proxyconfig.TLSTerminate, p.ref("one")),
			httpsListener("web", "web.example.com", p.ref("two")),
		},
		Routes: []proxyconfig.Route{
			l4Route("TLSRoute", "young", 2, "other", on("pass", "a.example.com", "*.b.example.com")),
			l4Route("TLSRoute", "old", 1, "a", on("pass", "a.example.com")),
			l4Route("TLSRoute", "wild", 3, "wild", on("pass", "*.example.com")),
			l4Route("TCPRoute", "raw", 1, "raw", on("raw", "raw.example.com")),
			route("web", 1, rules("http"), on("web", "web.example.com")),
		},
		Backends: append(l4Backends("a", "other", "wild", "raw"), backends("http")...),
	})
	if len(refused) != 0 {
		t.Fatal(refused)
	}
	port := w.serving.Port(443)
	for name, want := range map[string]string{
		"a.example.com":   "passthrough pass old#0 a",
		"x.b.example.com": "passthrough pass young#0 other",
		"b.example.com":   "passthrough pass wild#0 wild",
		"raw.example.com": "terminate raw raw#0 raw",
		"web.example.com": "web https",
		"example.com":     "no listener",
		"":                "no listener",
	} {
		if got := tell(port, name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
	if port.Speech != Mixed {
		t.Errorf("got speech %d", port.Speech)
	}
	if got := w.get(443, "web.example.com", "/0"); got != "web web#0 http" {
		t.Errorf("a request got %s", got)
	}
	// A host of a TLS listener is not served by requests, whatever else matches.
	if got := w.get(443, "a.example.com", "/0"); got != "404" {
		t.Errorf("a request for a host that is passed through got %s", got)
	}
	if got := handshake(port.Terminating, &tls.Config{ServerName: "raw.example.com", NextProtos: []string{"anything"}}); got != "one" {
		t.Errorf("terminating: got %s", got)
	}
	if got := handshake(port.TLS, &tls.Config{ServerName: "web.example.com"}); got != "two" {
		t.Errorf("HTTPS: got %s", got)
	}
}

func TestTCPAndUDPShareAPort(t *testing.T) {
	w := newWorld(t)
	c := &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{
			{Name: "tcp", Port: 53, Protocol: proxyconfig.TCP},
			{Name: "udp", Port: 53, Protocol: proxyconfig.UDP},
			{Name: "empty", Port: 54, Protocol: proxyconfig.UDP},
		},
		Routes: []proxyconfig.Route{
			l4Route("TCPRoute", "tcp", 1, "dns", on("tcp")),
			l4Route("UDPRoute", "udp", 1, "dns/udp", on("udp")),
		},
		Backends: l4Backends("dns", "dns/udp"),
	}
	c.Backends[0].ProxyProtocol = proxyconfig.ProxyV2
	if refused := w.apply(c); len(refused) != 0 {
		t.Fatal(refused)
	}
	if p := w.serving.Port(53); p.Speech != TCP || describe(p.TCPRule) != "tcp tcp#0 dns" {
		t.Errorf("got %+v", p)
	}
	if got := describe(w.serving.UDPPort(53).Rule); got != "udp udp#0 dns/udp" {
		t.Errorf("got %s", got)
	}
	if w.serving.UDPPort(54).Rule != nil || w.serving.UDPPort(55) != nil {
		t.Error("a rule out of nothing")
	}
	for id, want := range map[string]proxyconfig.ProxyVersion{"dns": proxyconfig.ProxyV2, "dns/udp": ""} {
		if got := w.serving.SentProxy(w.serving.Cluster(id)); got != want {
			t.Errorf("PROXY header to %s: got %q, want %q", id, got, want)
		}
	}
}

func TestWhatDoesNotFitIsRefusedAlone(t *testing.T) {
	w := newWorld(t)
	refused := w.apply(&proxyconfig.Config{
		Listeners: []proxyconfig.Listener{
			{Name: "tcp", Port: 1, Protocol: proxyconfig.TCP},
			{Name: "udp", Port: 1, Protocol: proxyconfig.UDP},
			httpListener("http", 80, ""),
		},
		Routes: []proxyconfig.Route{
			l4Route("TCPRoute", "on-http", 1, "a", on("http")),
			route("on-tcp", 1, rules("http"), on("tcp")),
			l4Route("TCPRoute", "to-udp", 2, "a/udp", on("tcp")),
			l4Route("UDPRoute", "to-tcp", 2, "a", on("udp")),
			route("to-tcp", 3, rules("a", "http"), on("http")),
		},
		Backends: append(l4Backends("a", "a/udp"), backends("http")...),
	})
	var got []string
	for _, r := range refused {
		got = append(got, fmt.Sprintf("%s %s#%d", r.Kind, r.Name, r.Rule))
	}
	want := "Route ns/on-http#0, Route ns/on-tcp#0, Rule ns/to-tcp#0, Rule ns/to-udp#0, Rule ns/to-tcp#0"
	if g := strings.Join(got, ", "); g != want {
		t.Errorf("got %s\nwant %s", g, want)
	}
	for what, rule := range map[string]*Rule{"TCP": w.serving.Port(1).TCPRule, "UDP": w.serving.UDPPort(1).Rule} {
		if rule == nil || rule.Fail == 0 {
			t.Errorf("%s: got %+v, want a rule that fails", what, rule)
		}
	}
	if got := w.get(80, "a", "/0") + ", " + w.get(80, "a", "/1"); got != "http to-tcp#0 500, http to-tcp#1 http" {
		t.Errorf("requests got %s", got)
	}
}

func TestTrustedSources(t *testing.T) {
	w := newWorld(t)
	l := httpListener("http", 80, "")
	l.ProxyProtocol = &proxyconfig.AcceptedProxyProtocol{TrustedSources: []string{"10.0.0.0/8", "fd00::/8"}}
	w.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{l, httpListener("plain", 81, "")}})
	for source, want := range map[string]bool{"10.1.2.3": true, "fd00::1": true, "11.0.0.1": false, "::1": false} {
		if got := w.serving.Port(80).Trusts(netip.MustParseAddr(source)); got != want {
			t.Errorf("%s: got %v", source, got)
		}
		if w.serving.Port(81).Trusts(netip.MustParseAddr(source)) {
			t.Errorf("%s is trusted where nobody is", source)
		}
	}
}
