package attack

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	numbers "math/big"
	"net/http"
	"testing"
	"time"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// authority is a CA that listeners let clients in by.
type authority struct {
	t       *testing.T
	key     *ecdsa.PrivateKey
	cert    *x509.Certificate
	bundle  string
	clients int64
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{t: t}
	a.key, a.cert = a.certify(&x509.Certificate{
		SerialNumber: numbers.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	})
	a.bundle = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
	return a
}

// certify makes a key and a certificate for it, of the authority or for itself.
func (a *authority) certify(template *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, cert
}

// client is a certificate that the authority lets in.
func (a *authority) client() tls.Certificate {
	a.clients++
	key, cert := a.certify(&x509.Certificate{
		SerialNumber: numbers.NewInt(1 + a.clients), Subject: pkix.Name{CommonName: "client"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// thief offers whatever session it has got to any server.
type thief struct{ session *tls.ClientSessionState }

func (s *thief) Get(string) (*tls.ClientSessionState, bool) { return s.session, s.session != nil }
func (s *thief) Put(_ string, session *tls.ClientSessionState) {
	if session != nil {
		s.session = session
	}
}

// enter makes a request, and reports whether it was served, and whether a session
// was resumed for it. The certificate may be none.
func (s *thief) enter(address string, version uint16, certificate tls.Certificate) (served, resumed bool) {
	config := clientTLS()
	config.ClientSessionCache, config.MinVersion, config.MaxVersion = s, version, version
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return false, false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return false, false
	}
	fmt.Fprintf(conn, "GET /victim HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return false, conn.ConnectionState().DidResume
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK, conn.ConnectionState().DidResume
}

// A session that one listener has begun lets nobody in by another one, which
// wants clients of another authority, nor by the same when it has come to want
// them (CVE-2025-68121).
func TestTicketsOfAnotherAuthority(t *testing.T) {
	red, blue := newAuthority(t, "red"), newAuthority(t, "blue")
	b := startBackend(t)
	pair := edge.NewCertificate(t, "pair", host)
	config := func(ports map[string]int32, bundles map[string]string) *proxyconfig.Config {
		c := edge.To(b.address())
		for _, name := range []string{"red", "blue", "open"} {
			l := proxyconfig.Listener{Name: name, Port: ports[name], Protocol: proxyconfig.HTTPS, Certificates: []proxyconfig.CertificateRef{pair.Ref()}}
			if bundle := bundles[name]; bundle != "" {
				l.TLS = &proxyconfig.ListenerTLS{ClientValidation: &proxyconfig.ClientValidation{CACertificates: bundle, Mode: proxyconfig.AllowValidOnly}}
			}
			c.Listeners = append(c.Listeners, l)
			c.Routes[0].Attachments = append(c.Routes[0].Attachments, proxyconfig.Attachment{Listener: name, Hostnames: []string{""}})
		}
		return c
	}
	ports := map[string]int32{"red": edge.FreePort(t), "blue": edge.FreePort(t), "open": edge.FreePort(t)}
	p := edge.Start(t, edge.Options{Config: config(ports, map[string]string{"red": red.bundle, "blue": blue.bundle}), Certificates: []edge.Certificate{pair}})
	versions := []uint16{tls.VersionTLS12, tls.VersionTLS13}
	kept := map[uint16]*thief{}
	for _, version := range versions {
		for _, from := range []struct {
			name        string
			certificate tls.Certificate
		}{{"red", red.client()}, {"open", tls.Certificate{}}} {
			s := &thief{}
			if served, _ := s.enter(p.Addr(from.name), version, from.certificate); !served {
				t.Fatalf("%s by %s: the client is not let in", from.name, tls.VersionName(version))
			}
			session := *s
			if served, resumed := s.enter(p.Addr(from.name), version, from.certificate); !served || !resumed {
				t.Errorf("%s by %s: served %v, resumed %v", from.name, tls.VersionName(version), served, resumed)
			}
			for _, to := range []string{"red", "blue"} {
				if to == from.name {
					continue
				}
				stolen := session
				if served, resumed := stolen.enter(p.Addr(to), version, from.certificate); served || resumed {
					t.Errorf("%s to %s by %s: served %v, resumed %v", from.name, to, tls.VersionName(version), served, resumed)
				}
			}
			if from.name == "red" {
				kept[version] = &session
			}
		}
	}
	p.Reload(config(ports, map[string]string{"red": blue.bundle, "blue": blue.bundle}), pair)
	for _, version := range versions {
		if served, resumed := kept[version].enter(p.Addr("red"), version, tls.Certificate{}); served || resumed {
			t.Errorf("after the change by %s: served %v, resumed %v", tls.VersionName(version), served, resumed)
		}
	}
}
