package graph

import (
	"fmt"
	"strconv"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// readMatches keeps the matches that can be compiled. One bad match makes the
// rule invalid, but not wider: requests that only the bad match could have
// caught go wherever they go without it, as nobody can tell which they are.
func (r *Rule) readMatches(at string, check func(match int) []string) {
	for i := range r.HTTP.Matches {
		match := &r.HTTP.Matches[i]
		field := at + ".matches[" + strconv.Itoa(i) + "]"
		problems := check(i)
		for _, problem := range problems {
			r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.%s", field, problem)
		}
		if len(problems) == 0 {
			r.Matches = append(r.Matches, match)
		}
	}
}

func checkMatch(match *gatewayv1.HTTPRouteMatch) []string {
	problems := checkPath(match.Path)
	if match.Method != nil && !knownMethod(*match.Method) {
		problems = append(problems, fmt.Sprintf("method %q is not known", *match.Method))
	}
	for i, header := range match.Headers {
		problems = append(problems, checkValueMatch(fmt.Sprintf("headers[%d]", i),
			string(value(header.Type, gatewayv1.HeaderMatchExact)), string(header.Name), header.Value)...)
	}
	for i, param := range match.QueryParams {
		problems = append(problems, checkValueMatch(fmt.Sprintf("queryParams[%d]", i),
			string(value(param.Type, gatewayv1.QueryParamMatchExact)), string(param.Name), param.Value)...)
	}
	return problems
}

func checkPath(path *gatewayv1.HTTPPathMatch) []string {
	if path == nil {
		return nil
	}
	text := value(path.Value, "/")
	switch typ := value(path.Type, gatewayv1.PathMatchPathPrefix); typ {
	case gatewayv1.PathMatchExact, gatewayv1.PathMatchPathPrefix:
		if why := checkPathText(text); why != "" {
			return []string{fmt.Sprintf("path.value %q %s", text, why)}
		}
		return nil
	case gatewayv1.PathMatchRegularExpression:
		return checkRegexp("path.value", text)
	default:
		return []string{fmt.Sprintf("path.type %q is not known", typ)}
	}
}

// checkPathText holds the rules of the CRD's schema, as a folder of YAML has
// no API server that applies them.
func checkPathText(path string) string {
	if !strings.HasPrefix(path, "/") {
		return "does not start with a slash"
	}
	for _, part := range []string{"//", "/./", "/../", "%2f", "%2F"} {
		if strings.Contains(path, part) {
			return fmt.Sprintf("contains %q", part)
		}
	}
	if strings.HasSuffix(path, "/.") || strings.HasSuffix(path, "/..") {
		return "ends with a dot segment"
	}
	if !pathText.MatchString(path) {
		return "has characters that a path cannot have"
	}
	return ""
}

func checkValueMatch(field, typ, name, text string) []string {
	var problems []string
	if !token.MatchString(name) {
		problems = append(problems, fmt.Sprintf("%s.name %q is not valid", field, name))
	}
	switch typ {
	case string(gatewayv1.HeaderMatchExact):
	case string(gatewayv1.HeaderMatchRegularExpression):
		problems = append(problems, checkRegexp(field+".value", text)...)
	default:
		problems = append(problems, fmt.Sprintf("%s.type %q is not known", field, typ))
	}
	return problems
}

// checkRegexp compiles in the very way that the proxy does: by RE2, whose time
// is linear in the input whatever the expression is.
func checkRegexp(field, expression string) []string {
	if _, err := proxyconfig.CompileRegexp(expression); err != nil {
		return []string{fmt.Sprintf("%s %q is not a valid regular expression (RE2): %s",
			field, expression, strings.TrimPrefix(err.Error(), "error parsing regexp: "))}
	}
	return nil
}

func knownMethod(method gatewayv1.HTTPMethod) bool {
	switch method {
	case gatewayv1.HTTPMethodGet, gatewayv1.HTTPMethodHead, gatewayv1.HTTPMethodPost,
		gatewayv1.HTTPMethodPut, gatewayv1.HTTPMethodDelete, gatewayv1.HTTPMethodConnect,
		gatewayv1.HTTPMethodOptions, gatewayv1.HTTPMethodTrace, gatewayv1.HTTPMethodPatch:
		return true
	}
	return false
}
