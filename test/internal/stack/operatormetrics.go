package stack

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/test/internal/scrape"
)

// OperatorMetrics scrapes the operator as Prometheus does, by TLS and with the token of
// a ServiceAccount that may read its metrics.
func (s *Stack) OperatorMetrics(ctx context.Context, reader types.NamespacedName) (scrape.Sample, error) {
	token, err := s.Kubectl(ctx, "create", "token", reader.Name, "-n", reader.Namespace)
	if err != nil {
		return nil, err
	}
	pod, err := s.OperatorPod(ctx)
	if err != nil {
		return nil, err
	}
	transport := s.Transport()
	defer transport.CloseIdleConnections()
	// The certificate is one that the operator has made for itself.
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	http1 := &http.Client{Transport: bearer{transport, strings.TrimSpace(string(token))}}
	return scrape.Get(ctx, http1, "https://"+pod.Status.PodIP+":8443/metrics")
}

// bearer sends a token with each request.
type bearer struct {
	http.RoundTripper
	token string
}

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.RoundTripper.RoundTrip(r)
}
