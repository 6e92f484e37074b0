package store

import gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

func grpcBackends(route *gatewayv1.GRPCRoute) func(func(*gatewayv1.BackendObjectReference)) {
	return func(add func(*gatewayv1.BackendObjectReference)) {
		for i := range route.Spec.Rules {
			rule := &route.Spec.Rules[i]
			grpcMirrors(rule.Filters, add)
			for j := range rule.BackendRefs {
				add(&rule.BackendRefs[j].BackendObjectReference)
				grpcMirrors(rule.BackendRefs[j].Filters, add)
			}
		}
	}
}

func grpcMirrors(filters []gatewayv1.GRPCRouteFilter, add func(*gatewayv1.BackendObjectReference)) {
	for i := range filters {
		if mirror := filters[i].RequestMirror; mirror != nil {
			add(&mirror.BackendRef)
		}
	}
}
