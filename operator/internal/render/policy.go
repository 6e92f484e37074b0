package render

import (
	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// policy is nil for a backend that has the defaults. What the parameters say is for
// all backends of the Gateway, its retry budget is the backend's own.
func policy(node *graph.Backend, used use, common *v1alpha1.BackendParameters) *proxyconfig.Policy {
	out := proxyconfig.Policy{RetryBudget: node.RetryBudget}
	if common != nil {
		out.Algorithm, out.Hash = algorithm(common)
		out.Ejection = ejection(common.Ejection)
		out.Check = healthCheck(node, used, common.HealthCheck)
		out.SlowStartMillis = span(common.SlowStart)
		out.Limits = circuitLimits(common.Limits)
		out.Zone = zone(common.Zone)
	}
	if out == (proxyconfig.Policy{}) {
		return nil
	}
	return &out
}

// algorithm leaves out the default. Only ConsistentHash hashes anything.
func algorithm(source *v1alpha1.BackendParameters) (proxyconfig.Algorithm, *proxyconfig.HashKey) {
	chosen := proxyconfig.Algorithm(value(source.Algorithm))
	switch chosen {
	case proxyconfig.RoundRobin:
		return "", nil
	case proxyconfig.ConsistentHash:
		if source.Hash == nil {
			return chosen, &proxyconfig.HashKey{Source: proxyconfig.HashSourceIP}
		}
		return chosen, &proxyconfig.HashKey{Source: proxyconfig.HashSource(source.Hash.Source), Name: value(source.Hash.Name)}
	}
	return chosen, nil
}

func ejection(source *v1alpha1.EjectionParameters) *proxyconfig.Ejection {
	if source == nil {
		return nil
	}
	return unlessZero(proxyconfig.Ejection{
		Disabled:          value(source.Disabled),
		ConsecutiveErrors: value(source.ConsecutiveErrors),
		BaseMillis:        span(source.BaseTime),
		MaxMillis:         span(source.MaxTime),
		MaxPercent:        value(source.MaxPercent),
	})
}

func circuitLimits(source *v1alpha1.CircuitParameters) *proxyconfig.CircuitLimits {
	if source == nil {
		return nil
	}
	return unlessZero(proxyconfig.CircuitLimits{
		MaxConnections: value(source.MaxConnections),
		MaxRequests:    value(source.MaxRequests),
		MaxPending:     value(source.MaxPending),
	})
}

func zone(source *v1alpha1.ZoneParameters) *proxyconfig.ZonePreference {
	if source == nil || !value(source.Prefer) {
		return nil
	}
	return &proxyconfig.ZonePreference{MinHealthyPercent: value(source.MinHealthyPercent)}
}

// healthCheck is nil for a backend that the check is not for: see checkable.
func healthCheck(node *graph.Backend, used use, source *v1alpha1.HealthCheckParameters) *proxyconfig.HealthCheck {
	if source == nil || !checkable(node, used, source) {
		return nil
	}
	out := &proxyconfig.HealthCheck{
		Type:           proxyconfig.CheckType(source.Type),
		Path:           value(source.Path),
		Host:           string(value(source.Host)),
		Service:        value(source.Service),
		Port:           value(source.Port),
		IntervalMillis: span(source.Interval),
		TimeoutMillis:  span(source.Timeout),
		Healthy:        value(source.HealthyThreshold),
		Unhealthy:      value(source.UnhealthyThreshold),
	}
	for _, s := range source.Statuses {
		out.Statuses = append(out.Statuses, proxyconfig.StatusRange{First: int(s.First), Last: int(s.Last)})
	}
	return out
}

// checkable says whether a check, which is the same for all backends of a Gateway,
// can tell how the endpoints of one of them are. To ask one that does not speak what
// the check speaks would take all of its endpoints out of use.
//
//   - Nobody can connect with what takes datagrams.
//   - A connection can be opened with everything else.
//   - An HTTP check is an HTTP/1.1 request in plaintext, to backends of HTTPRoutes
//     that speak that; a GRPC check asks over HTTP/2 in plaintext, the backends of
//     GRPCRoutes. With a port of its own, for which the check is made, it does not
//     matter what the backend's port speaks.
//   - The servers that the proxy asks or reports to by itself, for authorization and
//     traces, have no page or service of that name.
func checkable(node *graph.Backend, used use, check *v1alpha1.HealthCheckParameters) bool {
	transport := node.Key.Transport
	if check.Type == v1alpha1.HealthCheckType(proxyconfig.CheckTCP) {
		return transport != graph.Datagrams
	}
	speaks := check.Port != nil || node.TLS == nil
	if used&servesClients == 0 || !speaks {
		return false
	}
	if check.Type == v1alpha1.HealthCheckType(proxyconfig.CheckGRPC) {
		return transport == graph.Calls
	}
	return transport == graph.Requests && (check.Port != nil || node.Protocol == proxyconfig.BackendHTTP1)
}
