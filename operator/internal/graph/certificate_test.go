package graph

import (
	"crypto/x509"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/internal/selfsigned"
)

// A certificate that has expired is the clients' to judge: to refuse it would close the
// listener for those as well who do not mind, and a metric tells of it long before.
func TestAnExpiredCertificateIsServed(t *testing.T) {
	chain, private := selfsigned.Pair(t, &x509.Certificate{
		DNSNames: []string{"Shop.example.com"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	})
	secret := &corev1.Secret{Type: corev1.SecretTypeTLS, Data: map[string][]byte{
		corev1.TLSCertKey:       chain,
		corev1.TLSPrivateKeyKey: private,
	}}
	certificate, problem := parseCertificate(types.NamespacedName{Namespace: "shop", Name: "pair"}, secret)
	if problem != "" || len(certificate.Names) != 1 || certificate.Names[0] != "shop.example.com" {
		t.Errorf("got %+v, %q", certificate, problem)
	}
}
