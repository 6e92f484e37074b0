package golden

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// certificateFor is an annotation of the Secrets, ConfigMaps and
// ClusterTrustBundles of cases: their data is made here, so that no private key lies in the repository.
const certificateFor = "golden.fleetgate.io/certificate-for"

// SelfSigned makes a certificate for the host, and its private key, as the data
// of a Secret. Equal hosts give equal bytes:
// the key comes from the host's name, and signatures of Ed25519 are not random.
func SelfSigned(host string) (map[string][]byte, error) {
	seed := sha256.Sum256([]byte(host))
	key := ed25519.NewKeyFromSeed(seed[:])
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: host},
		DNSNames:     []string{host},
		NotBefore:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(bytes.NewReader(nil), template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate for %q: %w", host, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding the key for %q: %w", host, err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return map[string][]byte{
		corev1.TLSCertKey:       certificate,
		corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),

		corev1.ServiceAccountRootCAKey: certificate,
	}, nil
}
