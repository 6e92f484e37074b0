package graph

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// checkFilters validates the filters of the rule. A rule with a filter that
// cannot be applied is invalid as a whole, and never served without it.
func (r *Rule) checkFilters(at string) {
	supported := []gatewayv1.HTTPRouteFilterType{
		gatewayv1.HTTPRouteFilterRequestHeaderModifier, gatewayv1.HTTPRouteFilterResponseHeaderModifier,
		gatewayv1.HTTPRouteFilterRequestRedirect, gatewayv1.HTTPRouteFilterURLRewrite,
		gatewayv1.HTTPRouteFilterCORS, gatewayv1.HTTPRouteFilterRequestMirror, gatewayv1.HTTPRouteFilterExternalAuth,
	}
	seen := r.checkEach(at, r.HTTP.Filters, supported)
	redirects := slices.Contains(seen, gatewayv1.HTTPRouteFilterRequestRedirect)
	if redirects && slices.Contains(seen, gatewayv1.HTTPRouteFilterURLRewrite) {
		r.refuse(gatewayv1.RouteReasonIncompatibleFilters,
			"%s.filters has both RequestRedirect and URLRewrite", at)
	}
	if redirects && len(r.HTTP.BackendRefs) > 0 {
		r.refuse(gatewayv1.RouteReasonIncompatibleFilters,
			"%s has both a RequestRedirect filter and backendRefs", at)
	}
}

// checkBackendFilters validates the filters of one backendRef.
func (r *Rule) checkBackendFilters(at string, filters []gatewayv1.HTTPRouteFilter) {
	r.checkEach(at, filters, []gatewayv1.HTTPRouteFilterType{
		gatewayv1.HTTPRouteFilterRequestHeaderModifier, gatewayv1.HTTPRouteFilterResponseHeaderModifier,
		gatewayv1.HTTPRouteFilterURLRewrite,
	})
}

func (r *Rule) checkEach(at string, filters []gatewayv1.HTTPRouteFilter, supported []gatewayv1.HTTPRouteFilterType) []gatewayv1.HTTPRouteFilterType {
	var seen []gatewayv1.HTTPRouteFilterType
	for i := range filters {
		filter := &filters[i]
		field := at + ".filters[" + strconv.Itoa(i) + "]"
		switch {
		case !slices.Contains(supported, filter.Type):
			r.refuseType(field, filter)
		// Mirrors do not get in each other's way (HTTPRouteFilter.requestMirror).
		case slices.Contains(seen, filter.Type) && filter.Type != gatewayv1.HTTPRouteFilterRequestMirror:
			r.refuse(gatewayv1.RouteReasonIncompatibleFilters, "%s: %s is there twice", field, filter.Type)
		default:
			r.checkFilter(field, filter)
		}
		seen = append(seen, filter.Type)
	}
	return seen
}

func (r *Rule) refuseType(field string, filter *gatewayv1.HTTPRouteFilter) {
	r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.type %s is not supported here", field, filter.Type)
	if ref := filter.ExtensionRef; ref != nil {
		r.unresolved(gatewayv1.RouteReasonInvalidKind,
			"%s.extensionRef names a %s of group %q, which is not a kind of filters", field, ref.Kind, ref.Group)
	}
}

func (r *Rule) checkFilter(field string, filter *gatewayv1.HTTPRouteFilter) {
	switch {
	case filter.Type == gatewayv1.HTTPRouteFilterRequestHeaderModifier && filter.RequestHeaderModifier != nil:
		r.checkHeaderEdits(field+".requestHeaderModifier", filter.RequestHeaderModifier)
	case filter.Type == gatewayv1.HTTPRouteFilterResponseHeaderModifier && filter.ResponseHeaderModifier != nil:
		r.checkHeaderEdits(field+".responseHeaderModifier", filter.ResponseHeaderModifier)
	case filter.Type == gatewayv1.HTTPRouteFilterRequestRedirect && filter.RequestRedirect != nil:
		r.checkRedirect(field+".requestRedirect", filter.RequestRedirect)
	case filter.Type == gatewayv1.HTTPRouteFilterURLRewrite && filter.URLRewrite != nil:
		r.checkHostname(field+".urlRewrite", filter.URLRewrite.Hostname)
		r.checkPathModifier(field+".urlRewrite.path", filter.URLRewrite.Path)
	case filter.Type == gatewayv1.HTTPRouteFilterCORS && filter.CORS != nil:
		r.checkCORS(field+".cors", filter.CORS)
	case filter.Type == gatewayv1.HTTPRouteFilterRequestMirror && filter.RequestMirror != nil:
		// Its references are for resolveMirrors.
	case filter.Type == gatewayv1.HTTPRouteFilterExternalAuth && filter.ExternalAuth != nil:
		r.checkExternalAuth(field+".externalAuth", filter.ExternalAuth)
	default:
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s has type %s and no settings for it", field, filter.Type)
	}
}

var (
	// token is a field name (RFC 9110, section 5.6.2).
	token = regexp.MustCompile("^[-A-Za-z0-9!#$%&'*+.^_`|~]+$")
	// fieldValue has visible characters, spaces and tabs, and no line breaks.
	fieldValue = regexp.MustCompile(`^[\t\x20-\x7e\x80-\x{10ffff}]*$`)
)

// checkHeaderEdits refuses names that are not tokens, and the fields that frame
// a message or name its target: a route must not be able to make two parties
// disagree on where a request ends or whom it is for (RFC 9112, section 6).
func (r *Rule) checkHeaderEdits(field string, edits *gatewayv1.HTTPHeaderFilter) {
	for _, header := range slices.Concat(edits.Set, edits.Add) {
		r.checkFieldName(field, string(header.Name))
		if !fieldValue.MatchString(header.Value) || header.Value != strings.Trim(header.Value, " \t") {
			r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s: the value of %s is not valid", field, header.Name)
		}
	}
	for _, name := range edits.Remove {
		r.checkFieldName(field, name)
	}
}

func (r *Rule) checkFieldName(field, name string) {
	if !token.MatchString(name) {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s: %q is not a valid name", field, name)
		return
	}
	switch strings.ToLower(name) {
	case "host", "content-length", "transfer-encoding", "connection", "keep-alive",
		"proxy-connection", "te", "trailer", "upgrade":
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s: %s belongs to the proxy and cannot be changed", field, name)
	}
}

func (r *Rule) checkRedirect(field string, redirect *gatewayv1.HTTPRequestRedirectFilter) {
	if scheme := value(redirect.Scheme, "http"); scheme != "http" && scheme != "https" {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.scheme %q is not known", field, scheme)
	}
	switch code := value(redirect.StatusCode, 302); code {
	case 301, 302, 303, 307, 308:
	default:
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.statusCode %d is not a redirect", field, code)
	}
	if port := value(redirect.Port, 80); port < 1 || port > 65535 {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.port %d does not exist", field, port)
	}
	r.checkHostname(field, redirect.Hostname)
	r.checkPathModifier(field+".path", redirect.Path)
}

func (r *Rule) checkHostname(field string, hostname *gatewayv1.PreciseHostname) {
	if hostname != nil && !validPreciseHostname(string(*hostname)) {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.hostname %q is not valid", field, *hostname)
	}
}

func (r *Rule) checkPathModifier(field string, path *gatewayv1.HTTPPathModifier) {
	if path == nil {
		return
	}
	var replacement *string
	switch path.Type {
	case gatewayv1.FullPathHTTPPathModifier:
		replacement = path.ReplaceFullPath
	case gatewayv1.PrefixMatchHTTPPathModifier:
		replacement = path.ReplacePrefixMatch
		r.needPrefixMatches(field)
	default:
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.type %q is not known", field, path.Type)
		return
	}
	if replacement == nil || !pathText.MatchString(*replacement) {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s has no valid path for type %s", field, path.Type)
	}
}

// needPrefixMatches refuses to replace a prefix where none was matched
// (HTTPPathModifier.replacePrefixMatch).
func (r *Rule) needPrefixMatches(field string) {
	for _, match := range r.HTTP.Matches {
		if match.Path != nil && value(match.Path.Type, gatewayv1.PathMatchPathPrefix) != gatewayv1.PathMatchPathPrefix {
			r.refuse(gatewayv1.RouteReasonUnsupportedValue,
				"%s.replacePrefixMatch is only possible when all matches are of type PathPrefix", field)
			return
		}
	}
}
