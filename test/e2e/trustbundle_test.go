package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestClientsAreValidatedByAClusterTrustBundle(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "trust-bundle")
	server, first, second := newCertificate(t, 1), newCertificate(t, 2), newCertificate(t, 3)
	s.storeCertificate(server)
	s.storeBundle(first)
	s.apply("clients", map[string]any{"Bundle": s.namespace})
	s.apply("backend", map[string]any{"Name": "shop", "Replicas": 1})
	s.waitBackend("shop")
	s.waitProgrammed()
	s.route("shop", "shop.example.com", "steady", "shop")
	s.wantListener("https", "ResolvedRefs", metav1.ConditionTrue, "ResolvedRefs")

	s.waitLetIn(s.presenting(server, first), true)
	s.waitLetIn(s.presenting(server, second), false)
	s.waitLetIn(s.trusting(server), false)

	s.storeBundle(second)
	s.waitLetIn(s.presenting(server, second), true)
	s.waitLetIn(s.presenting(server, first), false)
}

func TestBackendIsValidatedByAClusterTrustBundle(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "backend-bundle")
	own, other := newCertificate(t, 1), newCertificate(t, 2)
	s.serve(server{name: "vault", port: 8080, certificate: &own, handler: func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"version": "vault"}`)
	}})
	s.storeBundle(other)
	s.apply("gateway", nil)
	s.apply("backendtls", map[string]any{"Backend": "vault", "Bundle": s.namespace})
	s.route("vault", "vault.example.com", "steady", "vault")
	s.waitProgrammed()

	s.waitVault(false)
	s.storeBundle(own)
	s.waitVault(true)
	s.storeBundle(other)
	s.waitVault(false)
}

// waitVault waits until all proxies trust the backend, or none does.
func (s *tenantSpace) waitVault(trusted bool) {
	s.t.Helper()
	s.waitAll(question{host: "vault.example.com"}, func(r reply) error {
		switch {
		case trusted && (r.Status != http.StatusOK || r.Version != "vault"):
			return fmt.Errorf("status %d of %q, want 200 of the vault", r.Status, r.Version)
		case !trusted && r.Status != http.StatusBadGateway:
			return fmt.Errorf("status %d of a backend that is not to be trusted, want 502", r.Status)
		}
		return nil
	})
}

// storeBundle makes the certificate the only one of the tenant's bundle, which
// is in no namespace, and so has the name of the tenant's, and is deleted with it.
func (s *tenantSpace) storeBundle(c certificate) {
	s.t.Helper()
	s.apply("bundle", map[string]any{"Name": s.namespace, "Certificate": strconv.Quote(string(c.chain))})
	if !s.bundle {
		s.bundle = true
		s.t.Cleanup(s.deleteBundle)
	}
}

// deleteBundle deletes what storeBundle has made, which is in no namespace.
func (s *tenantSpace) deleteBundle() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	bundle := &certificatesv1beta1.ClusterTrustBundle{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	if err := cluster.Client.Delete(ctx, bundle); err != nil {
		s.t.Error(err)
	}
}

// presenting returns a client that shows its certificate whatever the server
// asks for, and makes a new connection for every request.
func (s *tenantSpace) presenting(server, own certificate) *http.Client {
	s.t.Helper()
	pair, err := tls.X509KeyPair(own.chain, own.key)
	if err != nil {
		s.t.Fatal(err)
	}
	http1 := s.trusting(server)
	http1.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate =
		func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return http1
}

// waitLetIn waits until all proxies serve the client, or none does.
func (s *tenantSpace) waitLetIn(http1 *http.Client, want bool) {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		for range settle {
			err := oneSerial(ctx, http1, 1)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			switch refused := (*url.Error)(nil); {
			case want && err != nil:
				return fmt.Errorf("the client is not let in: %w", err)
			case !want && !errors.As(err, &refused):
				return errors.Join(errors.New("the client is answered"), err)
			}
		}
		return nil
	})
}
