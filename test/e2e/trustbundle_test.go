package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
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
	t.Cleanup(s.deleteBundle)
	s.apply("clients", map[string]any{"Bundle": s.namespace})
	s.apply("backend", map[string]any{"Name": "shop", "Replicas": 1})
	s.waitDeployment("shop")
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

// storeBundle makes the certificate the only one of the tenant's bundle, which
// is in no namespace, and so has the name of the tenant's.
func (s *tenantSpace) storeBundle(c certificate) {
	s.t.Helper()
	s.apply("bundle", map[string]any{"Name": s.namespace, "Certificate": strconv.Quote(string(c.chain))})
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
