package stack

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/test/internal/scrape"
)

// reader may read the operator's metrics.
const reader = `apiVersion: v1
kind: ServiceAccount
metadata: {name: metrics-reader, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: metrics-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: fleetgate-metrics-reader}
subjects: [{kind: ServiceAccount, name: metrics-reader, namespace: default}]
`

// MetricsReader makes a ServiceAccount for OperatorMetrics.
func (s *Stack) MetricsReader(ctx context.Context) (types.NamespacedName, error) {
	_, err := s.Apply(ctx, []byte(reader))
	return types.NamespacedName{Namespace: "default", Name: "metrics-reader"}, err
}

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
