package graph

import (
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// ReasonInternalError is the reason of what tells of a fault of the operator.
const ReasonInternalError = v1alpha1.ReasonInternalError

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

// checkBrokenLayer refuses the Gateway for parameters that cannot be read, and all of these.
func (b *builder) checkBrokenLayer(g *Gateway, of parameters.Layer, source *v1alpha1.GatewayParameters) bool {
	key := client.ObjectKeyFromObject(source)
	why, broken := b.in.Broken[store.ObjectKey{Kind: v1alpha1.KindGatewayParameters, NamespacedName: key}]
	if broken {
		g.refuse(gatewayv1.GatewayReasonInvalidParameters, "GatewayParameters %s: %s", key, why)
		g.Refusals = append(g.Refusals, parameters.Refusal{Layer: of, Message: why})
	}
	return broken
}
