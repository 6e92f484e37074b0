package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Certificate is a key pair as PEM. Key is its name in the volume: the files
// are Key+".crt" and Key+".key".
type Certificate struct {
	Key              string
	CertPEM, Private []byte
}

// NewCertificate makes a self-signed ECDSA certificate for the names, which may
// be wildcards.
func NewCertificate(t testing.TB, key string, names ...string) Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     names,
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:         true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return Certificate{
		Key:     key,
		CertPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		Private: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	}
}

// Ref is how a Listener refers to the certificate.
func (c Certificate) Ref() proxyconfig.CertificateRef {
	sum := sha256.Sum256(c.CertPEM)
	return proxyconfig.CertificateRef{Key: c.Key, SHA256: hex.EncodeToString(sum[:])}
}

// Pool holds the certificate alone, for clients to trust.
func (c Certificate) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.CertPEM)
	return pool
}
