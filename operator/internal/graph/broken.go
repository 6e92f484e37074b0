package graph

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// ReasonInternalError is the reason of what tells of a fault of the operator.
const ReasonInternalError = "InternalError"

// checkBroken refuses a ListenerSet that cannot be read, and says so.
func (s *ListenerSet) checkBroken(in *store.Resources) bool {
	why, broken := in.Broken[store.ObjectKey{Kind: store.KindListenerSet, NamespacedName: s.Name()}]
	if broken {
		s.Problems.Add(string(gatewayv1.ListenerSetConditionAccepted), ReasonInternalError, "%s", why)
	}
	return broken
}

// checkBroken refuses a policy or an XBackend that cannot be read, and says so. The backends
// of a BackendTLSPolicy are not reached then, for it may say whom not to trust.
func (b *builder) checkBroken(p *PolicyNode) bool {
	why, broken := b.in.Broken[store.ObjectKey{Kind: p.Kind, NamespacedName: p.Name()}]
	if broken {
		p.refuse(ReasonInternalError, "%s", why)
		if p.Kind == store.KindBackendTLSPolicy || p.Kind == store.KindTelemetryPolicy {
			p.Problems.Add(string(gatewayv1.BackendTLSPolicyConditionResolvedRefs), ReasonInternalError, "%s", why)
		}
	}
	return broken
}
