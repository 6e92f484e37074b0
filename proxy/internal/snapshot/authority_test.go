package snapshot

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/url"
	"testing"
	"time"
)

// newPair makes a certificate for names. Its common name is the key, by which
// tests tell certificates apart.
func newPair(t *testing.T, key string, names ...string) KeyPair {
	t.Helper()
	return selfSigned(t, newKey(t), key, names)
}

func rsaPair(t *testing.T, key string, names ...string) KeyPair {
	t.Helper()
	priv, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return selfSigned(t, priv, key, names)
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return priv
}

func selfSigned(t *testing.T, key crypto.Signer, name string, names []string) KeyPair {
	t.Helper()
	template := newTemplate(name)
	template.DNSNames = names
	return encode(t, key, issue(t, template, template, key.Public(), key))
}

func newTemplate(name string) *x509.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	template.Subject.CommonName = name
	return template
}

func issue(t *testing.T, template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func encode(t *testing.T, key crypto.Signer, certificate []byte) KeyPair {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return KeyPair{Certificate: certificate, Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}
}

// authority signs certificates of clients and backends.
type authority struct {
	key  crypto.Signer
	cert *x509.Certificate
	// bundle is its own certificate, as PEM.
	bundle string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t), cert: newTemplate(name)}
	a.cert.IsCA, a.cert.BasicConstraintsValid, a.cert.KeyUsage = true, true, x509.KeyUsageCertSign
	a.bundle = string(issue(t, a.cert, a.cert, a.key.Public(), a.key))
	return a
}

// pair is a certificate for both ends of a connection. A name with a scheme is
// a URI.
func (a *authority) pair(t *testing.T, name string, names ...string) KeyPair {
	t.Helper()
	key, template := newKey(t), newTemplate(name)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	for _, n := range names {
		if u, err := url.Parse(n); err == nil && u.Scheme != "" {
			template.URIs = append(template.URIs, u)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	return encode(t, key, issue(t, template, a.cert, key.Public(), a.key))
}

// certificate is the pair as crypto/tls has it.
func (p KeyPair) certificate(t *testing.T) tls.Certificate {
	t.Helper()
	cert, err := tls.X509KeyPair(p.Certificate, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
