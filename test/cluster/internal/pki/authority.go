package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// validity is long enough for any test cluster; nothing renews.
const validity = 365 * 24 * time.Hour

// subject says for whom a certificate is. Names in Hosts are DNS names or IP
// addresses.
type subject struct {
	commonName   string
	organization string
	hosts        []string
}

// pair is a certificate and its key, as PEM.
type pair struct {
	certificate []byte
	key         []byte
}

// authority signs certificates.
type authority struct {
	pair
	parsed *x509.Certificate
	signer *ecdsa.PrivateKey
	now    time.Time
}

func newAuthority(name string, now time.Time) (*authority, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(subject{commonName: name}, now)
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("signing authority %q: %w", name, err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parsing authority %q: %w", name, err)
	}
	encoded, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	return &authority{
		pair:   pair{certificate: encode("CERTIFICATE", der), key: encoded},
		parsed: parsed, signer: key, now: now,
	}, nil
}

// issue signs a certificate that serves as a client's and as a server's.
func (a *authority) issue(s subject) (pair, error) {
	key, err := newKey()
	if err != nil {
		return pair{}, err
	}
	template, err := newTemplate(s, a.now)
	if err != nil {
		return pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.parsed, &key.PublicKey, a.signer)
	if err != nil {
		return pair{}, fmt.Errorf("signing %q: %w", s.commonName, err)
	}
	encoded, err := encodeKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{certificate: encode("CERTIFICATE", der), key: encoded}, nil
}

func newTemplate(s subject, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: s.commonName},
		// Virtual machines that were resumed may run with a clock that is a
		// little behind.
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(validity),
		BasicConstraintsValid: true,
	}
	if s.organization != "" {
		template.Subject.Organization = []string{s.organization}
	}
	for _, host := range s.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template, nil
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return key, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return encode("EC PRIVATE KEY", der), nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
