package delivery

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// The keys of the Secret with the credentials of the admin port. The proxies
// read the first three; the authorities are what their certificates are
// checked against, and hold the previous certificate too, as a proxy needs its
// time to see a new one.
const (
	keyCertificate = "tls.crt"
	keyPrivate     = "tls.key"
	keyToken       = "token"
	keyAuthorities = "ca.crt"
)

// A certificate lives a year and is replaced a month before its end, which
// leaves an operator that was down for weeks time to do it.
const (
	lifetime    = 365 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
	// skew is allowed for between the clocks of the operator and the proxies.
	skew = time.Hour
)

// tokenBytes are random; 256 bits cannot be guessed.
const tokenBytes = 32

// Token is the bearer token of a fleet's admin ports. It does not print.
type Token string

// String hides the token from every log and error message.
func (Token) String() string { return "[redacted]" }

// GoString hides the token from %#v.
func (Token) GoString() string { return "[redacted]" }

// Admin is what is needed to talk to the admin ports of a fleet.
type Admin struct {
	// ServerName is the name that the certificates are for.
	ServerName string
	// Authorities are the certificates that the proxies may present, in PEM.
	Authorities []byte
	Token       Token
	// RenewAt is when the certificate is to be replaced.
	RenewAt time.Time
}

// NewAdmin makes credentials that are kept in no Secret, for a fleet outside a
// cluster: data is what its proxies read, by file name, and credentials what it
// takes to talk to them under the name.
func NewAdmin(name string, now time.Time) (data map[string][]byte, credentials *Admin, err error) {
	if data, err = issue(name, now, nil); err != nil {
		return nil, nil, err
	}
	return data, admin(name, now, data), nil
}

// issue returns the data of a Secret with a new certificate for the name. Of
// previous it keeps the token, and the certificate as an authority.
func issue(name string, now time.Time, previous map[string][]byte) (map[string][]byte, error) {
	certificate, private, err := certify(name, now)
	if err != nil {
		return nil, err
	}
	token := previous[keyToken]
	if !validToken(token) {
		random := make([]byte, tokenBytes)
		rand.Read(random) // It never fails; see crypto/rand.
		token = []byte(base64.RawURLEncoding.EncodeToString(random))
	}
	return map[string][]byte{
		keyCertificate: certificate,
		keyPrivate:     private,
		keyToken:       token,
		keyAuthorities: slices.Concat(certificate, previous[keyCertificate]),
	}, nil
}

// certify makes a key and a certificate for the name that it has signed itself, both
// in PEM.
func certify(name string, now time.Time) (certificate, private []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generating a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, fmt.Errorf("generating a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(lifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("creating a certificate: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a key: %w", err)
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

// admin reads credentials, and returns nil when they cannot serve for the name
// or are about to expire.
func admin(name string, now time.Time, data map[string][]byte) *Admin {
	certificate := parseCertificate(data[keyCertificate])
	if certificate == nil || certificate.VerifyHostname(name) != nil || !validToken(data[keyToken]) {
		return nil
	}
	if len(data[keyPrivate]) == 0 || len(data[keyAuthorities]) == 0 {
		return nil
	}
	renewAt := certificate.NotAfter.Add(-renewBefore)
	if !now.Before(renewAt) {
		return nil
	}
	return &Admin{ServerName: name, Authorities: data[keyAuthorities], Token: Token(data[keyToken]), RenewAt: renewAt}
}

func parseCertificate(data []byte) *x509.Certificate {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return certificate
}

func validToken(token []byte) bool {
	raw, err := base64.RawURLEncoding.DecodeString(string(token))
	return err == nil && len(raw) >= tokenBytes
}
