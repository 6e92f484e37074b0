package render

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

func cors(source *gatewayv1.HTTPCORSFilter) *proxyconfig.CORS {
	return &proxyconfig.CORS{
		AllowOrigins:     texts(source.AllowOrigins),
		AllowMethods:     texts(source.AllowMethods),
		AllowHeaders:     texts(source.AllowHeaders),
		ExposeHeaders:    texts(source.ExposeHeaders),
		AllowCredentials: source.AllowCredentials != nil && *source.AllowCredentials,
		MaxAgeSeconds:    source.MaxAge,
	}
}

func texts[T ~string](source []T) []string {
	var out []string
	for _, text := range source {
		out = append(out, string(text))
	}
	return out
}

// mirrors renders those that the graph has resolved. All requests need no
// fraction.
func mirrors(nodes []*graph.Mirror) []proxyconfig.Filter {
	var out []proxyconfig.Filter
	for _, node := range nodes {
		mirror := &proxyconfig.Mirror{Backend: backendID(node.Backend.Key)}
		if node.Numerator != node.Denominator {
			mirror.Fraction = &proxyconfig.Fraction{Numerator: node.Numerator, Denominator: node.Denominator}
		}
		out = append(out, proxyconfig.Filter{Type: proxyconfig.FilterMirror, Mirror: mirror})
	}
	return out
}

// retry renders a retry policy. A rule that has one retries connections that
// fail, too (GEP-1731). By Reset the proxy repeats only what is idempotent once
// it was sent, which HTTPRouteRetry wants to be documented.
func retry(node *graph.Retry) *proxyconfig.Retry {
	if node == nil {
		return nil
	}
	return &proxyconfig.Retry{
		Attempts:       node.Attempts,
		Codes:          node.Codes,
		ConnectFailure: node.Attempts > 0,
		Reset:          node.Attempts > 0,
		BackoffMillis:  node.Backoff.Milliseconds(),
	}
}
