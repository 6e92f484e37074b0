package graph

import (
	"fmt"
	"regexp"
	"strconv"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func (b *builder) grpcRoute(source *gatewayv1.GRPCRoute) *Route {
	route := &Route{
		Kind: KindGRPCRoute,
		Name: types.NamespacedName{Namespace: source.Namespace, Name: source.Name},
		Meta: &source.ObjectMeta,
	}
	route.readHostnames(source.Spec.Hostnames)
	for i := range source.Spec.Rules {
		rule := &source.Spec.Rules[i]
		route.Rules = append(route.Rules, b.rule(route, i, grpcAsHTTP(rule), func(match int) []string {
			return checkGRPCMatch(&rule.Matches[match])
		}))
	}
	return route
}

// grpcAsHTTP says in terms of HTTP what a rule of a GRPCRoute asks for: a call
// is a request whose path is "/service/method".
func grpcAsHTTP(source *gatewayv1.GRPCRouteRule) *gatewayv1.HTTPRouteRule {
	out := &gatewayv1.HTTPRouteRule{
		Name:               source.Name,
		Filters:            grpcFilters(source.Filters),
		SessionPersistence: source.SessionPersistence,
	}
	for i := range source.Matches {
		out.Matches = append(out.Matches, gatewayv1.HTTPRouteMatch{
			Path:    grpcPath(source.Matches[i].Method),
			Headers: grpcHeaders(source.Matches[i].Headers),
		})
	}
	for i := range source.BackendRefs {
		ref := &source.BackendRefs[i]
		out.BackendRefs = append(out.BackendRefs, gatewayv1.HTTPBackendRef{
			BackendRef: ref.BackendRef, Filters: grpcFilters(ref.Filters),
		})
	}
	return out
}

// anyName stands for a service or a method that is not named.
const anyName = "[^/]+"

// grpcPath turns a match of service and method into one of the path. A service
// alone is a prefix of whole elements. A method alone can only be a regular
// expression, which takes precedence over services.
func grpcPath(method *gatewayv1.GRPCMethodMatch) *gatewayv1.HTTPPathMatch {
	if method == nil {
		return pathMatch(gatewayv1.PathMatchPathPrefix, "/")
	}
	service, name := value(method.Service, ""), value(method.Method, "")
	if value(method.Type, gatewayv1.GRPCMethodMatchExact) == gatewayv1.GRPCMethodMatchRegularExpression {
		return pathMatch(gatewayv1.PathMatchRegularExpression, "/"+grpcPattern(service)+"/"+grpcPattern(name))
	}
	switch {
	case service == "":
		return pathMatch(gatewayv1.PathMatchRegularExpression, "/"+anyName+"/"+regexp.QuoteMeta(name))
	case name == "":
		return pathMatch(gatewayv1.PathMatchPathPrefix, "/"+service)
	}
	return pathMatch(gatewayv1.PathMatchExact, "/"+service+"/"+name)
}

func pathMatch(typ gatewayv1.PathMatchType, text string) *gatewayv1.HTTPPathMatch {
	return &gatewayv1.HTTPPathMatch{Type: &typ, Value: &text}
}

func grpcPattern(expression string) string {
	if expression == "" {
		return anyName
	}
	return "(?:" + expression + ")"
}

func grpcHeaders(source []gatewayv1.GRPCHeaderMatch) []gatewayv1.HTTPHeaderMatch {
	var out []gatewayv1.HTTPHeaderMatch
	for i := range source {
		out = append(out, gatewayv1.HTTPHeaderMatch{
			Type:  new(gatewayv1.HeaderMatchType(value(source[i].Type, gatewayv1.GRPCHeaderMatchExact))),
			Name:  gatewayv1.HTTPHeaderName(source[i].Name),
			Value: source[i].Value,
		})
	}
	return out
}

// grpcFilters are a part of those of HTTP, with the same names. One that is not
// known stays so.
func grpcFilters(source []gatewayv1.GRPCRouteFilter) []gatewayv1.HTTPRouteFilter {
	var out []gatewayv1.HTTPRouteFilter
	for i := range source {
		out = append(out, gatewayv1.HTTPRouteFilter{
			Type:                   gatewayv1.HTTPRouteFilterType(source[i].Type),
			RequestHeaderModifier:  source[i].RequestHeaderModifier,
			ResponseHeaderModifier: source[i].ResponseHeaderModifier,
			RequestMirror:          source[i].RequestMirror,
			ExtensionRef:           source[i].ExtensionRef,
		})
	}
	return out
}

// The names that an exact match can have (GRPCMethodMatch).
var (
	grpcServiceName = regexp.MustCompile(`^\.?[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*$`)
	grpcMethodName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*$`)
)

func checkGRPCMatch(match *gatewayv1.GRPCRouteMatch) []string {
	var problems []string
	if match.Method != nil {
		problems = checkGRPCMethod(match.Method)
	}
	for i, header := range match.Headers {
		problems = append(problems, checkValueMatch("headers["+strconv.Itoa(i)+"]",
			string(value(header.Type, gatewayv1.GRPCHeaderMatchExact)), string(header.Name), header.Value)...)
	}
	return problems
}

// checkGRPCMethod compiles the two expressions one by one: that they are sound
// together does not mean that each is.
func checkGRPCMethod(method *gatewayv1.GRPCMethodMatch) []string {
	service, name := value(method.Service, ""), value(method.Method, "")
	if service == "" && name == "" {
		return []string{"method names neither a service nor a method"}
	}
	var problems []string
	switch typ := value(method.Type, gatewayv1.GRPCMethodMatchExact); typ {
	case gatewayv1.GRPCMethodMatchExact:
		if service != "" && !grpcServiceName.MatchString(service) {
			problems = append(problems, fmt.Sprintf("method.service %q is not a name", service))
		}
		if name != "" && !grpcMethodName.MatchString(name) {
			problems = append(problems, fmt.Sprintf("method.method %q is not a name", name))
		}
	case gatewayv1.GRPCMethodMatchRegularExpression:
		problems = append(checkRegexp("method.service", service), checkRegexp("method.method", name)...)
	default:
		problems = append(problems, fmt.Sprintf("method.type %q is not known", typ))
	}
	return problems
}
