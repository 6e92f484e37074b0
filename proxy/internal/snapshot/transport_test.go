package snapshot

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// secure is a backend that is reached over TLS.
func secure(id string, t *proxyconfig.BackendTLS) proxyconfig.Backend {
	b := backends(id)[0]
	b.TLS = t
	return b
}

// transport applies a configuration of one backend and returns its Transport as
// a rule has it.
func (w *world) transport(b proxyconfig.Backend) (*Transport, []proxyconfig.RefusedItem) {
	refused := w.apply(&proxyconfig.Config{
		Listeners: []proxyconfig.Listener{httpListener("l", 80, "")},
		Routes:    []proxyconfig.Route{route("r", 1, rules(b.ID), on("l"))},
		Backends:  []proxyconfig.Backend{b},
	})
	compiled := w.serving.route("r")
	backend, _ := compiled.rules[0].reached[0].Backends.Pick()
	return backend.Transport, refused
}

func TestBackendIsVerified(t *testing.T) {
	red, blue := newAuthority(t, "red"), newAuthority(t, "blue")
	host := func(names ...string) (out []proxyconfig.SubjectAltName) {
		for _, n := range names {
			out = append(out, proxyconfig.SubjectAltName{Hostname: n})
		}
		return out
	}
	uri := []proxyconfig.SubjectAltName{{URI: "spiffe://shop/pay"}}
	for _, test := range []struct {
		name    string
		serving KeyPair
		names   []proxyconfig.SubjectAltName
		system  bool
		want    string
	}{
		{"the server name", red.pair(t, "b", "pay.internal"), nil, false, ""},
		{"another name", red.pair(t, "b", "other.internal"), nil, false, "not pay.internal"},
		{"another authority", blue.pair(t, "b", "pay.internal"), nil, false, "unknown authority"},
		{"self-signed", newPair(t, "b", "pay.internal"), nil, false, "unknown authority"},
		{"the system's authorities", red.pair(t, "b", "pay.internal"), nil, true, "unknown authority"},
		{"an alternative name", red.pair(t, "b", "other.internal"), host("x", "other.internal"), false, ""},
		{"an alternative name of another authority", blue.pair(t, "b", "other.internal"), host("other.internal"), false, "unknown authority"},
		{"the server name where names are given", red.pair(t, "b", "pay.internal"), host("other.internal"), false, "none of the subject"},
		{"an alternative name under a wildcard", red.pair(t, "b", "*.internal"), host("other.internal"), false, ""},
		{"a wildcard", red.pair(t, "b", "other.internal"), host("*.internal"), false, ""},
		{"a wildcard, two labels deep", red.pair(t, "b", "a.other.internal"), host("*.internal"), false, "none of the subject"},
		{"a wildcard without a label", red.pair(t, "b", "internal"), host("*.internal"), false, "none of the subject"},
		{"a URI", red.pair(t, "b", "spiffe://shop/pay"), uri, false, ""},
		{"another URI", red.pair(t, "b", "spiffe://shop/payee"), uri, false, "none of the subject"},
		{"a hostname in place of a URI", red.pair(t, "b", "pay"), uri, false, "none of the subject"},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy := &proxyconfig.BackendTLS{ServerName: "pay.internal", SubjectAltNames: test.names, SystemCAs: test.system}
			if !test.system {
				policy.CACertificates = red.bundle
			}
			transport, refused := newWorld(t).transport(secure("b", policy))
			if len(refused) > 0 || transport.Err != nil {
				t.Fatalf("refused %v: %v", refused, transport.Err)
			}
			server := &tls.Config{Certificates: []tls.Certificate{test.serving.certificate(t)}, NextProtos: []string{"http/1.1"}}
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				server.MaxVersion = version
				for attempt := range 2 {
					state, err := connect(transport.TLS, server)
					if test.want == "" && err == nil {
						if state.ServerName != "pay.internal" || state.DidResume != (attempt == 1) {
							t.Errorf("attempt %d: SNI %q, resumed is %v", attempt, state.ServerName, state.DidResume)
						}
						continue
					}
					if err == nil || test.want == "" || !strings.Contains(err.Error(), test.want) {
						t.Errorf("%s: got %v, want %q", tls.VersionName(version), err, test.want)
					}
				}
			}
		})
	}
}

func TestBackendProtocolIsAgreedOn(t *testing.T) {
	red := newAuthority(t, "red")
	server := &tls.Config{Certificates: []tls.Certificate{red.pair(t, "b", "pay").certificate(t)}}
	for _, test := range []struct {
		protocol string
		offered  []string
		want     bool
	}{
		{proxyconfig.BackendHTTP1, nil, true},
		{proxyconfig.BackendHTTP1, []string{"http/1.1", "h2"}, true},
		{proxyconfig.BackendHTTP2, []string{"http/1.1", "h2"}, true},
		{proxyconfig.BackendHTTP2, []string{"http/1.1"}, false},
		{proxyconfig.BackendHTTP2, nil, false},
	} {
		b := secure("b", &proxyconfig.BackendTLS{ServerName: "pay", CACertificates: red.bundle})
		b.Protocol = test.protocol
		transport, _ := newWorld(t).transport(b)
		server.NextProtos = test.offered
		if _, err := connect(transport.TLS, server); (err == nil) != test.want || transport.HTTP2 != (test.protocol == "h2") {
			t.Errorf("%s to %v: got %v", test.protocol, test.offered, err)
		}
	}
}

func TestGatewayPresentsItsCertificate(t *testing.T) {
	red := newAuthority(t, "red")
	p := pairs{"client": red.pair(t, "gateway")}
	ref := p.ref("client")
	w := newWorld(t)
	w.certificates = p
	b := secure("b", &proxyconfig.BackendTLS{ServerName: "pay", CACertificates: red.bundle, ClientCertificate: &ref})
	transport, _ := w.transport(b)
	pool, err := certPool(red.bundle)
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{red.pair(t, "b", "pay").certificate(t)},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	if _, err := connect(transport.TLS, server); err != nil {
		t.Error(err)
	}
	p["client"] = newAuthority(t, "blue").pair(t, "gateway")
	renewed, refused := w.transport(b)
	if renewed == transport || len(refused) != 1 {
		t.Errorf("a stale certificate: refused %v, the transport is the old one: %v", refused, renewed == transport)
	}
	if _, err := connect(renewed.TLS, server); err == nil {
		t.Error("a certificate of another authority was taken")
	}
	delete(p, "client")
	if gone, refused := w.transport(b); gone.Err == nil || gone.TLS != nil || len(refused) != 1 {
		t.Errorf("without its certificate: %v, refused %v", gone.Err, refused)
	}
}

func TestBackendWithBadTLSFailsAlone(t *testing.T) {
	red := newAuthority(t, "red")
	for name, policy := range map[string]*proxyconfig.BackendTLS{
		"no authority":     {ServerName: "pay"},
		"broken authority": {ServerName: "pay", CACertificates: "no PEM"},
		"no name":          {CACertificates: red.bundle},
		"version":          {ServerName: "pay", CACertificates: red.bundle, MinVersion: "1.1"},
		"invalid":          {ServerName: "pay", SystemCAs: true, Invalid: "no such ConfigMap"},
	} {
		w := newWorld(t)
		refused := w.apply(&proxyconfig.Config{Backends: []proxyconfig.Backend{secure("bad", policy), backends("good")[0]}})
		bad, good := w.serving.transportTo("bad"), w.serving.transportTo("good")
		if len(refused) != 1 || refused[0].Kind != proxyconfig.KindBackend || refused[0].Name != "bad" {
			t.Errorf("%s: refused %v", name, refused)
		}
		if bad.Err == nil || bad.TLS != nil || good.Err != nil || good.TLS != nil {
			t.Errorf("%s: got %+v and %+v", name, bad, good)
		}
	}
}

func TestTransportLivesAsLongAsItIsTheSame(t *testing.T) {
	red := newAuthority(t, "red")
	policy := func() *proxyconfig.BackendTLS {
		return &proxyconfig.BackendTLS{ServerName: "pay", CACertificates: red.bundle}
	}
	w := newWorld(t)
	first, _ := w.transport(secure("b", policy()))
	if again, _ := w.transport(secure("b", policy())); again != first {
		t.Error("an unrelated change made the transport anew")
	}
	stricter := policy()
	stricter.MinVersion = proxyconfig.TLS13
	second, _ := w.transport(secure("b", stricter))
	if second == first || second.TLS.MinVersion != tls.VersionTLS13 {
		t.Error("a rule kept a transport that changed")
	}
	if plain, _ := w.transport(backends("b")[0]); plain == second || plain.TLS != nil {
		t.Error("a rule kept TLS that was taken away")
	}
}
