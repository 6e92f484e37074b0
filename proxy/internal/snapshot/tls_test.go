package snapshot

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

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

// newPair makes a certificate for names. Its common name is the key, by which
// tests tell certificates apart.
func newPair(t *testing.T, key string, names ...string) KeyPair {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: names,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	template.Subject.CommonName = key
	der, err := x509.CreateCertificate(rand.Reader, template, template, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return KeyPair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}
}

// handshake returns the common name of what the port serves to a client.
func handshake(p *TLS, client *tls.Config) string {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() {
		server := tls.Server(a, p.Config)
		if server.Handshake() != nil {
			a.Close()
		}
	}()
	client.InsecureSkipVerify = true
	conn := tls.Client(b, client)
	if conn.Handshake() != nil {
		return "failed"
	}
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
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
		"h2 only": {ServerName: "a", NextProtos: []string{"h2"}},
	} {
		if got := handshake(w.serving.Ports[0].TLS, client); got != "failed" {
			t.Errorf("%s: got %s, want a failed handshake", name, got)
		}
	}
}

func TestRotationKeepsTLSThatDidNotChange(t *testing.T) {
	p := pairs{"a": newPair(t, "a", "a")}
	config := &proxyconfig.Config{Listeners: []proxyconfig.Listener{httpsListener("l", "", p.ref("a"))}}
	w := newWorld(t)
	w.certificates = p
	w.apply(config)
	first := w.serving.Ports[0].TLS
	w.apply(config)
	if w.serving.Ports[0].TLS != first {
		t.Error("an unrelated change made the port's TLS anew")
	}
	// The Secret arrives before the configuration that names its hash.
	p["a"] = newPair(t, "a2", "a")
	refused := w.apply(config)
	if len(refused) != 1 || refused[0].Kind != proxyconfig.KindCertificate {
		t.Errorf("refused %v, want the stale certificate", refused)
	}
	if got := handshake(w.serving.Ports[0].TLS, &tls.Config{ServerName: "a"}); got != "a2" {
		t.Errorf("got %s, want the certificate that is there", got)
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
