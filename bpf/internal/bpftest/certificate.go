package bpftest

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/internal/selfsigned"
)

// WriteCertificate writes a certificate for the name, which has signed itself, and its
// key to the folder, as tls.crt and tls.key.
func WriteCertificate(t testing.TB, folder, name string) {
	t.Helper()
	certificate, private := selfsigned.Pair(t, &x509.Certificate{
		DNSNames:  []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true,
	})
	for name, data := range map[string][]byte{"tls.crt": certificate, "tls.key": private} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
