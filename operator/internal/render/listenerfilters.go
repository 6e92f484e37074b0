package render

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// listenerFilters renders what requests pass before they are routed. Invalid
// filters are the reason, and nothing of what they would have done.
func listenerFilters(node *graph.Listener) *proxyconfig.ListenerFilters {
	if len(node.Barred) > 0 {
		return &proxyconfig.ListenerFilters{Invalid: node.Barred.Message(string(gatewayv1.ListenerConditionAccepted))}
	}
	if len(node.Filters) == 0 {
		return nil
	}
	out := &proxyconfig.ListenerFilters{}
	for _, filter := range node.Filters {
		out.Requests = append(out.Requests, externalAuth(filter)...)
	}
	return out
}
