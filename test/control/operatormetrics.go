package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"

	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// reader is who reads the operator's metrics.
const reader = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: control-reader
  namespace: ` + stack.Namespace + `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: control-reader
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: fleetgate-metrics-reader
subjects:
- kind: ServiceAccount
  name: control-reader
  namespace: ` + stack.Namespace + `
`

// allocatedBytes is what the operator has allocated since its start.
func (b *bench) allocatedBytes(ctx context.Context) (float64, error) {
	if _, err := b.Apply(ctx, []byte(reader)); err != nil {
		return 0, err
	}
	token, err := b.Kubectl(ctx, "create", "token", "control-reader", "-n", stack.Namespace)
	if err != nil {
		return 0, err
	}
	pod, err := b.OperatorPod(ctx)
	if err != nil {
		return 0, err
	}
	transport := b.Transport()
	defer transport.CloseIdleConnections()
	// The certificate is one that the operator has made for itself.
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	sample, err := scrape.Get(ctx, &http.Client{Transport: bearer{transport, strings.TrimSpace(string(token))}}, fmt.Sprintf("https://%s:8443/metrics", pod.Status.PodIP))
	if err != nil {
		return 0, err
	}
	return sample.Sum("go_memstats_alloc_bytes_total", nil), nil
}

// bearer adds a token to requests.
type bearer struct {
	http.RoundTripper
	token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.RoundTripper.RoundTrip(r)
}
