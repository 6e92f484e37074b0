package main

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

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
	sample, err := b.OperatorMetrics(ctx, types.NamespacedName{Namespace: stack.Namespace, Name: "control-reader"})
	if err != nil {
		return 0, err
	}
	return sample.Sum("go_memstats_alloc_bytes_total", nil), nil
}
