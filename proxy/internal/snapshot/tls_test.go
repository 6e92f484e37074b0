package snapshot

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// pairs are certificates by key.
type pairs map[string]KeyPair

func (p pairs) Find(ref proxyconfig.CertificateRef) (KeyPair, bool) {
	pair, ok := p[ref.Key]
	return pair, ok
}

func (p pairs) ref(key string) proxyconfig.CertificateRef {
	pair := p[key]
	return proxyconfig.CertificateRef{Key: key, SHA256: pair.Hash()}
}

// connect does a handshake of both configs and one byte each way, so that a
// refusal and a ticket that come after the handshake in TLS 1.3 arrive.
func connect(client, server *tls.Config) (tls.ConnectionState, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer l.Close()
	go acceptOne(l, server)
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer a.Close()
	c := tls.Client(a, client)
	if _, err := c.Write([]byte(".")); err != nil {
		return tls.ConnectionState{}, err
	}
	_, err = c.Read(make([]byte, 1))
	return c.ConnectionState(), err
}

// acceptOne answers one connection with one byte.
func acceptOne(l net.Listener, config *tls.Config) {
	b, err := l.Accept()
	if err != nil {
		return
	}
	defer b.Close()
	s := tls.Server(b, config)
	if _, err := s.Read(make([]byte, 1)); err == nil {
		s.Write([]byte("."))
	}
}

// handshake returns the common name of what the port serves to a client.
func handshake(p *TLS, client *tls.Config) string {
	client.InsecureSkipVerify = true
	state, err := connect(client, p.Config)
	if err != nil {
		return "failed"
	}
	return state.PeerCertificates[0].Subject.CommonName
}

func httpsListener(name, hostname string, refs ...proxyconfig.CertificateRef) proxyconfig.Listener {
	return proxyconfig.Listener{Name: name, Port: 443, Protocol: proxyconfig.HTTPS, Hostname: hostname, Certificates: refs}
}

func TestCertificateIsSelectedByServerName(t *testing.T) {
	p := pairs{
		"first":  newPair(t, "first", "first.example.com"),
		"exact":  newPair(t, "exact", "a.example.com"),
		"wild":   newPair(t, "wild", "*.example.com", "*.b.example.com"),
		"other":  newPair(t, "other", "other.org"),
		"broken": {Certificate: []byte("no PEM"), Key: []byte("secret")},
	}
	w := newWorld(t)
	w.certificates = p
	refused := w.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{
		httpsListener("com", "*.example.com", p.ref("first"), p.ref("wild"), p.ref("exact")),
		httpsListener("org", "other.org", p.ref("other")),
		httpsListener("bad", "bad.example.com", p.ref("broken")),
		httpsListener("gone", "gone.example.com", proxyconfig.CertificateRef{Key: "gone"}),
		httpsListener("half", "half.example.com", p.ref("broken"), p.ref("exact")),
	}})
	if len(refused) != 5 {
		t.Errorf("refused %v, want two listeners and three certificates", refused)
	}
	if strings.Contains(fmt.Sprint(refused), "secret") {
		t.Error("key material in a report")
	}
	for name, want := range map[string]string{
		"a.example.com":      "exact",
		"A.Example.Com":      "exact",
		"z.example.com":      "wild",
		"z.b.example.com":    "wild",
		"first.example.com":  "first",
		"x.y.z.example.com":  "wild",
		"other.org":          "other",
		"unknown.org":        "failed",
		"bad.example.com":    "failed",
		"gone.example.com":   "failed",
		"half.example.com":   "exact",
		"x.half.example.com": "wild",
	} {
		if got := handshake(w.serving.Ports[0].TLS, &tls.Config{ServerName: name}); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestListenerForAnyHostServesItsFirstCertificate(t *testing.T) {
	p := pairs{"a": newPair(t, "a", "a"), "b": newPair(t, "b", "b")}
	w := newWorld(t)
	w.certificates = p
	w.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{httpsListener("l", "", p.ref("a"), p.ref("b"))}})
	for name, want := range map[string]string{"": "a", "b": "b", "c": "a"} {
		if got := handshake(w.serving.Ports[0].TLS, &tls.Config{ServerName: name}); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func TestWeakClientsAreRefused(t *testing.T) {
	p := pairs{"a": newPair(t, "a", "a")}
	w := newWorld(t)
	w.certificates = p
	w.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{httpsListener("l", "", p.ref("a"))}})
	for name, client := range map[string]*tls.Config{
		"TLS 1.1": {ServerName: "a", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"CBC":     {ServerName: "a", MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
		"h3 only": {ServerName: "a", NextProtos: []string{"h3"}},
	} {
		if got := handshake(w.serving.Ports[0].TLS, client); got != "failed" {
			t.Errorf("%s: got %s, want a failed handshake", name, got)
		}
	}
}

func TestStaleCertificateIsServedAndNamed(t *testing.T) {
	p := pairs{"a": newPair(t, "a", "a")}
	config := &proxyconfig.Config{Listeners: []proxyconfig.Listener{httpsListener("l", "", p.ref("a"))}}
	w := newWorld(t)
	w.certificates = p
	w.apply(config)
	before := w.serving.Ports[0].TLS
	// The Secret arrives before the configuration that names its hash.
	p["a"] = newPair(t, "a2", "a")
	refused := w.apply(config)
	if len(refused) != 1 || refused[0].Kind != proxyconfig.KindCertificate {
		t.Errorf("refused %v, want the stale certificate", refused)
	}
	for served, want := range map[*TLS]string{before: "a", w.serving.Ports[0].TLS: "a2"} {
		if got := handshake(served, &tls.Config{ServerName: "a"}); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestCertificateIsSelectedByTheClientsAlgorithms(t *testing.T) {
	p := pairs{"rsa": rsaPair(t, "rsa", "a.example.com"), "ecdsa": newPair(t, "ecdsa", "a.example.com"), "b": newPair(t, "b", "b.example.com")}
	w := newWorld(t)
	w.certificates = p
	w.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{
		httpsListener("l", "", p.ref("b"), p.ref("ecdsa"), p.ref("rsa"))}})
	rsaOnly := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	for _, test := range []struct {
		client *tls.Config
		want   string
	}{
		{&tls.Config{ServerName: "a.example.com"}, "ecdsa"},
		{&tls.Config{ServerName: "a.example.com", MaxVersion: tls.VersionTLS12}, "ecdsa"},
		{&tls.Config{ServerName: "a.example.com", MaxVersion: tls.VersionTLS12, CipherSuites: rsaOnly}, "rsa"},
		{&tls.Config{ServerName: "other", MaxVersion: tls.VersionTLS12, CipherSuites: rsaOnly}, "rsa"},
		{&tls.Config{ServerName: "b.example.com", MaxVersion: tls.VersionTLS12, CipherSuites: rsaOnly}, "failed"},
		{&tls.Config{ServerName: "b.example.com"}, "b"},
	} {
		if got := handshake(w.serving.Ports[0].TLS, test.client); got != test.want {
			t.Errorf("%s, %d suites: got %s, want %s", test.client.ServerName, len(test.client.CipherSuites), got, test.want)
		}
	}
}

func TestOptionsOfAListenerAreItsOwn(t *testing.T) {
	p := pairs{"a": newPair(t, "a", "a", "b", "c")}
	strict := httpsListener("strict", "a", p.ref("a"))
	strict.TLS = &proxyconfig.ListenerTLS{MinVersion: proxyconfig.TLS13}
	narrow := httpsListener("narrow", "b", p.ref("a"))
	narrow.TLS = &proxyconfig.ListenerTLS{CipherSuites: []string{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"}}
	wrong := httpsListener("wrong", "c", p.ref("a"))
	wrong.TLS = &proxyconfig.ListenerTLS{MinVersion: "1.0"}
	w := newWorld(t)
	w.certificates = p
	refused := w.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{strict, narrow, wrong, httpsListener("rest", "", p.ref("a"))}})
	if len(refused) != 1 || refused[0].Name != "wrong" {
		t.Errorf("refused %v, want the listener with the wrong version", refused)
	}
	small := []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	for _, test := range []struct {
		client *tls.Config
		want   string
	}{
		{&tls.Config{ServerName: "a", MaxVersion: tls.VersionTLS12}, "failed"},
		{&tls.Config{ServerName: "a"}, "a"},
		{&tls.Config{ServerName: "b", MaxVersion: tls.VersionTLS12, CipherSuites: small}, "failed"},
		{&tls.Config{ServerName: "b", MaxVersion: tls.VersionTLS12}, "a"},
		{&tls.Config{ServerName: "c"}, "failed"},
		{&tls.Config{ServerName: "d", MaxVersion: tls.VersionTLS12, CipherSuites: small}, "a"},
	} {
		if got := handshake(w.serving.Ports[0].TLS, test.client); got != test.want {
			t.Errorf("%s to %x: got %s, want %s", test.client.ServerName, test.client.MaxVersion, got, test.want)
		}
	}
}

func TestApplicationProtocols(t *testing.T) {
	p := pairs{"a": newPair(t, "a", "a")}
	w := newWorld(t)
	w.certificates = p
	w.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{httpsListener("l", "", p.ref("a"))}})
	for _, test := range []struct {
		asked []string
		want  string
	}{
		{[]string{"http/1.1"}, "http/1.1"},
		{[]string{"http/1.1", "h2"}, "h2"},
		{nil, ""},
	} {
		state, err := connect(&tls.Config{ServerName: "a", InsecureSkipVerify: true, NextProtos: test.asked}, w.serving.Ports[0].TLS.Config)
		if err != nil || state.NegotiatedProtocol != test.want {
			t.Errorf("%v: got %q and %v, want %q", test.asked, state.NegotiatedProtocol, err, test.want)
		}
	}
}

func TestKeysNeverPrint(t *testing.T) {
	pair := KeyPair{Certificate: []byte("cert"), Key: PrivateKey("hidden")}
	asJSON, err := json.Marshal(pair)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{
		fmt.Sprint(pair), fmt.Sprintf("%+v %#v %s %x %q %d", pair, pair, pair.Key, pair.Key, pair.Key, pair.Key), string(asJSON),
	} {
		if strings.Contains(got, "hidden") || strings.Contains(got, fmt.Sprintf("%x", "hidden")) || bytes.Contains([]byte(got), []byte("104 105")) {
			t.Errorf("the key printed: %s", got)
		}
	}
}
