package render

import (
	"cmp"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// route returns nil for one that no served listener has.
func route(node *graph.Route, rules func([]*graph.Rule) []proxyconfig.Rule) *proxyconfig.Route {
	attached := attachments(node)
	if len(attached) == 0 {
		return nil
	}
	return &proxyconfig.Route{
		Kind:        node.Kind,
		Namespace:   node.Name.Namespace,
		Name:        node.Name.Name,
		CreatedAt:   createdAt(node),
		Attachments: attached,
		Rules:       rules(node.Rules),
	}
}

// createdAt is zero for an object that no API server has seen.
func createdAt(node *graph.Route) int64 {
	if node.Meta.CreationTimestamp.IsZero() {
		return 0
	}
	return node.Meta.CreationTimestamp.Unix()
}

// attachments are sorted by listener. Two parentRefs that lead to the same
// listener give the same hostnames there, so one is enough.
func attachments(node *graph.Route) []proxyconfig.Attachment {
	var out []proxyconfig.Attachment
	for _, parent := range node.Parents {
		for _, attachment := range parent.Attachments {
			if attachment.Listener.Serves() && len(attachment.Hostnames) > 0 {
				out = append(out, proxyconfig.Attachment{
					Listener:  attachment.Listener.ID(),
					Hostnames: attachment.Hostnames,
					Written:   attachment.Written,
				})
			}
		}
	}
	slices.SortFunc(out, func(a, b proxyconfig.Attachment) int { return cmp.Compare(a.Listener, b.Listener) })
	return slices.CompactFunc(out, func(a, b proxyconfig.Attachment) bool { return a.Listener == b.Listener })
}

func rules(nodes []*graph.Rule) []proxyconfig.Rule {
	out := make([]proxyconfig.Rule, 0, len(nodes))
	for _, node := range nodes {
		out = append(out, rule(node))
	}
	return out
}

// rule renders a rule at its place in the route, as proxies report by index
// which ones they refuse. An invalid one is its matches and the reason, and
// nothing of what it would have done with the requests.
func rule(node *graph.Rule) proxyconfig.Rule {
	if node.L4 != nil {
		return l4Rule(node)
	}
	out := proxyconfig.Rule{Matches: matches(node)}
	if node.HTTP.Name != nil {
		out.Name = string(*node.HTTP.Name)
	}
	if node.Invalid() {
		out.Invalid = node.Problems.Message(string(gatewayv1.RouteConditionAccepted))
		return out
	}
	out.Filters = slices.Concat(filters(node.HTTP.Filters), externalAuth(node.ExternalAuth), mirrors(node.Mirrors))
	out.Retry = retry(node.Retry)
	out.Timeouts = timeouts(node.HTTP.Timeouts)
	for _, ref := range node.Backends {
		rendered := backendRef(ref)
		rendered.Session = node.SessionAt(ref.Backend)
		out.Backends = append(out.Backends, rendered)
	}
	return out
}

func backendRef(node *graph.BackendRef) proxyconfig.BackendRef {
	out := proxyconfig.BackendRef{Weight: node.Weight}
	if node.Backend != nil {
		out.Backend = backendID(node.Backend.Key)
		out.Filters = filters(node.HTTP.Filters)
	}
	return out
}

func timeouts(source *gatewayv1.HTTPRouteTimeouts) *proxyconfig.Timeouts {
	if source == nil || (source.Request == nil && source.BackendRequest == nil) {
		return nil
	}
	return &proxyconfig.Timeouts{
		RequestMillis:        millis(source.Request),
		BackendRequestMillis: millis(source.BackendRequest),
	}
}

// millis is negative for the zero duration, which switches a timeout off
// (GEP-1742), and zero for none at all.
func millis(text *gatewayv1.Duration) int64 {
	if text == nil {
		return 0
	}
	parsed, ok := graph.ParseDuration(*text)
	if !ok || parsed == 0 {
		return -1
	}
	return parsed.Milliseconds()
}
