package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
)

func TestHTTPSServesAndItsCertificateIsReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "https")
	first, second := newCertificate(t, 1), newCertificate(t, 2)
	s.storeCertificate(first)
	s.apply("https", nil)
	s.apply("backend", map[string]any{"Name": "shop", "Replicas": 1})
	s.waitBackend("shop")
	s.waitProgrammed()
	s.route("shop", "shop.example.com", "steady", "shop")

	http1 := s.trusting(first, second)
	s.waitSerial(http1, 1)
	run := load.Start(t.Context(), load.Options{Client: s.trusting(first, second), URL: "https://shop.example.com/", Workers: 2})
	s.storeCertificate(second)
	s.waitSerial(http1, 2)
	wantNoneFailed(t, run, run.Sent()+500)
}

// certificate is a self-signed one for shop.example.com.
type certificate struct {
	leaf       *x509.Certificate
	chain, key []byte
}

func newCertificate(t *testing.T, serial int64) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"shop.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate{
		leaf:  leaf,
		chain: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:   pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

func (s *tenantSpace) storeCertificate(c certificate) {
	s.t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "shop-cert"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: c.chain, corev1.TLSPrivateKeyKey: c.key},
	}
	err := cluster.Client.Update(s.t.Context(), secret)
	if err != nil {
		err = cluster.Client.Create(s.t.Context(), secret)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// trusting returns a client that takes the certificates for genuine, and makes
// a new connection for every request.
func (s *tenantSpace) trusting(certificates ...certificate) *http.Client {
	pool := x509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert(c.leaf)
	}
	transport := cluster.Transport()
	transport.DisableKeepAlives = true
	transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, _ string) (c net.Conn, err error) {
		return dial(ctx, network, net.JoinHostPort(s.address, "443"))
	}
	return &http.Client{Transport: transport}
}

// waitSerial asks until three answers in a row came with the certificate of the
// serial number, so that it is the one of both proxies.
func (s *tenantSpace) waitSerial(http1 *http.Client, serial int64) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	err := client.Poll(ctx, func(ctx context.Context) error {
		for range 3 {
			if err := oneSerial(ctx, http1, serial); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func oneSerial(ctx context.Context, http1 *http.Client, serial int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://shop.example.com/", nil)
	if err != nil {
		return err
	}
	resp, err := http1.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if got := resp.TLS.PeerCertificates[0].SerialNumber; got.Cmp(big.NewInt(serial)) != 0 || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d with certificate %v, want 200 with %d", resp.StatusCode, got, serial)
	}
	return nil
}
