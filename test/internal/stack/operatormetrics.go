package stack

import (
	"context"
	"crypto/tls"
	"maps"
	"net/http"
	"slices"
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

// Written is what the operator has asked the API server to change since it started, by
// verb, resource and group. What it does for its own sake is left out: it renews its lease
// all the time and tells in an Event that it has it, and asks who reads its metrics.
func Written(sample scrape.Sample) map[string]float64 {
	counts := sample.By("fleetgate_operator_api_writes_total", "verb", "resource", "group")
	own := []string{"coordination.k8s.io", "authentication.k8s.io", "authorization.k8s.io"}
	maps.DeleteFunc(counts, func(what string, _ float64) bool {
		return what == "create events " || slices.Contains(own, what[strings.LastIndexByte(what, ' ')+1:])
	})
	return counts
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
