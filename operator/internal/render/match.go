package render

import (
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// nothing is an expression that no path matches: any character outside of all.
const nothing = `[^\x00-\x{10FFFF}]`

// matches renders those of the rule's matches that are valid. A rule that has
// none left must not turn into one without matches, which would catch all.
func matches(node *graph.Rule) []proxyconfig.Match {
	if len(node.HTTP.Matches) == 0 {
		return []proxyconfig.Match{{Path: path(nil)}}
	}
	if len(node.Matches) == 0 {
		return []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathRegex, Value: nothing}}}
	}
	out := make([]proxyconfig.Match, 0, len(node.Matches))
	for _, source := range node.Matches {
		out = append(out, match(source))
	}
	return out
}

func match(source *gatewayv1.HTTPRouteMatch) proxyconfig.Match {
	out := proxyconfig.Match{
		Path:    path(source.Path),
		Headers: headerMatches(source.Headers),
		Query:   queryMatches(source.QueryParams),
	}
	if source.Method != nil {
		out.Method = string(*source.Method)
	}
	return out
}

func path(source *gatewayv1.HTTPPathMatch) *proxyconfig.PathMatch {
	out := &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/"}
	if source == nil {
		return out
	}
	if source.Type != nil {
		out.Type = proxyconfig.PathMatchType(*source.Type)
	}
	if source.Value != nil {
		out.Value = *source.Value
	}
	return out
}

// headerMatches keeps the first of several matches of one header, whose names
// compare in any case (HTTPHeaderMatch.name).
func headerMatches(source []gatewayv1.HTTPHeaderMatch) []proxyconfig.ValueMatch {
	var out []proxyconfig.ValueMatch
	seen := make(map[string]struct{})
	for _, header := range source {
		if first(seen, strings.ToLower(string(header.Name))) {
			out = append(out, proxyconfig.ValueMatch{
				Type: valueType(header.Type), Name: string(header.Name), Value: header.Value,
			})
		}
	}
	return out
}

// queryMatches keeps the first of several matches of one parameter, whose
// names compare exactly (HTTPQueryParamMatch.name).
func queryMatches(source []gatewayv1.HTTPQueryParamMatch) []proxyconfig.ValueMatch {
	var out []proxyconfig.ValueMatch
	seen := make(map[string]struct{})
	for _, param := range source {
		if first(seen, string(param.Name)) {
			out = append(out, proxyconfig.ValueMatch{
				Type: valueType(param.Type), Name: string(param.Name), Value: param.Value,
			})
		}
	}
	return out
}

func valueType[T ~string](typ *T) proxyconfig.ValueMatchType {
	if typ == nil {
		return proxyconfig.ValueExact
	}
	return proxyconfig.ValueMatchType(*typ)
}

// first says whether the name is new to seen, and enters it.
func first(seen map[string]struct{}, name string) bool {
	_, dup := seen[name]
	seen[name] = struct{}{}
	return !dup
}
