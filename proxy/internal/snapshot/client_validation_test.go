package snapshot

import (
	"crypto/tls"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// validating is a listener that asks its clients for a certificate.
func validating(name, hostname, bundle string, mode proxyconfig.ClientValidationMode, refs ...proxyconfig.CertificateRef) proxyconfig.Listener {
	l := httpsListener(name, hostname, refs...)
	l.TLS = &proxyconfig.ListenerTLS{ClientValidation: &proxyconfig.ClientValidation{CACertificates: bundle, Mode: mode}}
	return l
}

func TestClientValidation(t *testing.T) {
	red, blue := newAuthority(t, "red"), newAuthority(t, "blue")
	p := pairs{"a": newPair(t, "served", "*.example.com")}
	w := newWorld(t)
	w.certificates = p
	refused := w.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{
		validating("red", "red.example.com", red.bundle, proxyconfig.AllowValidOnly, p.ref("a")),
		validating("both", "both.example.com", red.bundle+blue.bundle, proxyconfig.AllowValidOnly, p.ref("a")),
		validating("lax", "lax.example.com", red.bundle, proxyconfig.AllowInsecureFallback, p.ref("a")),
		validating("broken", "broken.example.com", "no PEM", proxyconfig.AllowValidOnly, p.ref("a")),
		validating("broken-lax", "broken-lax.example.com", "", proxyconfig.AllowInsecureFallback, p.ref("a")),
		httpsListener("open", "*.example.com", p.ref("a")),
	}})
	if len(refused) != 2 {
		t.Errorf("refused %v, want the two broken listeners", refused)
	}
	clients := map[string][]tls.Certificate{
		"no":   nil,
		"red":  {red.pair(t, "client").certificate(t)},
		"blue": {blue.pair(t, "client").certificate(t)},
	}
	for host, served := range map[string]map[string]bool{
		"red.example.com":        {"red": true},
		"both.example.com":       {"red": true, "blue": true},
		"lax.example.com":        {"no": true, "red": true, "blue": true},
		"open.example.com":       {"no": true, "red": true, "blue": true},
		"broken.example.com":     {},
		"broken-lax.example.com": {},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for name, certificates := range clients {
				client := &tls.Config{ServerName: host, MaxVersion: version}
				client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if certificates == nil {
						return &tls.Certificate{}, nil
					}
					return &certificates[0], nil
				}
				if got := handshake(w.serving.Ports[0].TLS, client) == "served"; got != served[name] {
					t.Errorf("%s, %s certificate, %s: served is %v, want %v", host, name, tls.VersionName(version), got, served[name])
				}
			}
		}
	}
}

// resumes says whether a session of one port is taken up again by another.
func resumes(t *testing.T, first, second *TLS, client *tls.Config, name string) bool {
	t.Helper()
	client = client.Clone()
	client.InsecureSkipVerify, client.ClientSessionCache = true, &oneSession{}
	if _, err := connect(client, first.Config); err != nil {
		t.Fatalf("the first handshake: %v", err)
	}
	client.ServerName = name
	state, err := connect(client, second.Config)
	return err == nil && state.DidResume
}

// oneSession offers the session it has to any server, as an attacker's client
// does.
type oneSession struct{ state *tls.ClientSessionState }

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.state, o.state != nil }
func (o *oneSession) Put(_ string, state *tls.ClientSessionState) {
	if o.state == nil {
		o.state = state
	}
}

func TestTicketsKeepToTheirListener(t *testing.T) {
	red, blue := newAuthority(t, "red"), newAuthority(t, "blue")
	p := pairs{"a": newPair(t, "a", "*.example.com")}
	config := func(bundle string) *proxyconfig.Config {
		return &proxyconfig.Config{Listeners: []proxyconfig.Listener{
			validating("red", "red.example.com", bundle, proxyconfig.AllowValidOnly, p.ref("a")),
			validating("also-red", "also.example.com", bundle, proxyconfig.AllowValidOnly, p.ref("a")),
			httpsListener("open", "*.example.com", p.ref("a")),
		}}
	}
	w := newWorld(t)
	w.certificates = p
	serve := func(bundle string) *TLS {
		w.apply(config(bundle))
		return w.serving.Ports[0].TLS
	}
	first, again := serve(red.bundle), serve(red.bundle)
	p["a"] = newPair(t, "renewed", "*.example.com")
	renewed := serve(red.bundle)
	other := serve(red.bundle + blue.bundle)
	back := serve(red.bundle)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := &tls.Config{MaxVersion: version, Certificates: []tls.Certificate{red.pair(t, "client").certificate(t)}}
		for _, test := range []struct {
			what     string
			second   *TLS
			from, to string
			want     bool
		}{
			{"the same listener", first, "red.example.com", "red.example.com", true},
			{"after an unrelated change", again, "red.example.com", "red.example.com", true},
			{"after a renewed certificate", renewed, "red.example.com", "red.example.com", true},
			{"after a change of the authorities", other, "red.example.com", "red.example.com", false},
			{"after the authorities went and came", back, "red.example.com", "red.example.com", false},
			{"no validation", other, "open.example.com", "open.example.com", true},
			{"another name of the listener", first, "x.example.com", "y.example.com", true},
			{"another listener with the same authorities", first, "red.example.com", "also.example.com", false},
			{"from no validation to one", first, "open.example.com", "red.example.com", false},
			{"from validation to none", first, "red.example.com", "open.example.com", false},
		} {
			client.ServerName = test.from
			if got := resumes(t, first, test.second, client, test.to); got != test.want {
				t.Errorf("%s, %s: resumed is %v, want %v", tls.VersionName(version), test.what, got, test.want)
			}
		}
	}
}
