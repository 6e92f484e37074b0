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

// brokenPolicy is what is left of a BackendTLSPolicy that cannot be read: its backends are
// not reached, for it may say whom not to trust. It is nil for any other.
func (b *builder) brokenPolicy(source *gatewayv1.BackendTLSPolicy) *Policy {
	policy := &Policy{PolicyNode: PolicyNode{Kind: kindBackendTLSPolicy, Meta: &source.ObjectMeta}, Source: source, TLS: &BackendTLS{}}
	if !b.checkBroken(&policy.PolicyNode) {
		return nil
	}
	policy.TLS.Invalid = policy.Problems.Message(string(gatewayv1.PolicyConditionAccepted))
	return policy
}

// checkBroken refuses a policy or an XBackend that cannot be read, and says so.
func (b *builder) checkBroken(p *PolicyNode) bool {
	why, broken := b.in.Broken[store.ObjectKey{Kind: p.Kind, NamespacedName: p.Name()}]
	if broken {
		p.refuse(ReasonInternalError, "%s", why)
		if p.Kind == kindBackendTLSPolicy || p.Kind == KindTelemetryPolicy {
			p.Problems.Add(string(gatewayv1.BackendTLSPolicyConditionResolvedRefs), ReasonInternalError, "%s", why)
		}
	}
	return broken
}
