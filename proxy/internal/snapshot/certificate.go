package snapshot

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// KeyPair is a certificate chain and its private key, as PEM.
type KeyPair struct {
	Certificate []byte
	Key         PrivateKey
}

// PrivateKey is key material. It prints as a placeholder, so that it cannot
// slip into a log or an error.
type PrivateKey []byte

// String and GoString hide the key; fmt uses them for every verb that prints
// text.
func (PrivateKey) String() string   { return "[redacted]" }
func (PrivateKey) GoString() string { return "[redacted]" }

// MarshalJSON hides the key.
func (PrivateKey) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }

// Format hides the key from the verbs that print bytes.
func (k PrivateKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// Hash is the hex SHA-256 of the certificate chain's PEM, as in
// proxyconfig.CertificateRef.
func (p *KeyPair) Hash() string {
	sum := sha256.Sum256(p.Certificate)
	return hex.EncodeToString(sum[:])
}

// Certificates finds key pairs. For a reference it prefers the pair whose hash
// is the reference's, and may return another one of the same key: during a
// rotation the Secret and the configuration do not arrive at the same moment.
type Certificates interface {
	Find(ref proxyconfig.CertificateRef) (KeyPair, bool)
}

// errNoCertificate says that a Secret has not arrived, or is gone.
var errNoCertificate = errors.New("the certificate is not there")

// staleCertificate is the reason by which a pair is named that serves although
// it is another one than the configuration's.
const staleCertificate = "the certificate is not the one that was rendered"

// loadCertificate parses one key pair. stale says that it is not the one that
// the operator rendered.
func loadCertificate(ref proxyconfig.CertificateRef, from Certificates) (cert *tls.Certificate, stale bool, err error) {
	if from == nil {
		return nil, false, errNoCertificate
	}
	pair, ok := from.Find(ref)
	if !ok {
		return nil, false, errNoCertificate
	}
	parsed, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return nil, false, fmt.Errorf("the certificate cannot be used: %w", err)
	}
	return &parsed, pair.Hash() != ref.SHA256, nil
}
