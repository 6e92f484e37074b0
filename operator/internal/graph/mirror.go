package graph

import (
	"strconv"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Mirror is where a RequestMirror filter sends copies of requests.
type Mirror struct {
	Backend *Backend
	// Numerator of Denominator requests are copied.
	Numerator, Denominator int32
}

// resolveMirrors reads the RequestMirror filters of the rule. One whose backend
// cannot be used is left out, and its requests are served all the same
// (HTTPRequestMirrorFilter.backendRef).
func (b *builder) resolveMirrors(route *Route, rule *Rule, at string) {
	for i := range rule.HTTP.Filters {
		source := rule.HTTP.Filters[i].RequestMirror
		if rule.HTTP.Filters[i].Type != gatewayv1.HTTPRouteFilterRequestMirror || source == nil {
			continue
		}
		field := at + ".filters[" + strconv.Itoa(i) + "].requestMirror"
		numerator, denominator := rule.mirrorShare(field, source)
		if backend := b.serviceRef(route, rule, field+".backendRef", &source.BackendRef); backend != nil {
			rule.Mirrors = append(rule.Mirrors, &Mirror{Backend: backend, Numerator: numerator, Denominator: denominator})
		}
	}
}

func (r *Rule) mirrorShare(field string, source *gatewayv1.HTTPRequestMirrorFilter) (numerator, denominator int32) {
	numerator, denominator = 1, 1
	if source.Percent != nil {
		numerator, denominator = *source.Percent, 100
	}
	if source.Fraction != nil {
		numerator, denominator = source.Fraction.Numerator, value(source.Fraction.Denominator, 100)
	}
	switch {
	case source.Percent != nil && source.Fraction != nil:
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s has both a percent and a fraction", field)
	case denominator < 1 || numerator < 0 || numerator > denominator:
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s: %d of %d is no share of the requests", field, numerator, denominator)
	}
	return numerator, denominator
}
