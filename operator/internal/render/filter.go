package render

import (
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// defaultRedirectStatus is the one of a redirect that names none
// (HTTPRequestRedirectFilter.statusCode).
const defaultRedirectStatus = 302

// filters renders filters that the graph has found valid, in their order, apart
// from those that lead to backends. One that is not known is rendered all the same: the proxy answers
// 500 for it.
func filters(source []gatewayv1.HTTPRouteFilter) []proxyconfig.Filter {
	var out []proxyconfig.Filter
	for i := range source {
		switch source[i].Type {
		case gatewayv1.HTTPRouteFilterRequestMirror, gatewayv1.HTTPRouteFilterExternalAuth:
		default:
			out = append(out, filter(&source[i]))
		}
	}
	return out
}

func filter(source *gatewayv1.HTTPRouteFilter) proxyconfig.Filter {
	switch source.Type {
	case gatewayv1.HTTPRouteFilterRequestHeaderModifier:
		return proxyconfig.Filter{Type: proxyconfig.FilterRequestHeaders, Headers: headerEdits(source.RequestHeaderModifier)}
	case gatewayv1.HTTPRouteFilterResponseHeaderModifier:
		return proxyconfig.Filter{Type: proxyconfig.FilterResponseHeaders, Headers: headerEdits(source.ResponseHeaderModifier)}
	case gatewayv1.HTTPRouteFilterRequestRedirect:
		return proxyconfig.Filter{Type: proxyconfig.FilterRedirect, Redirect: redirect(source.RequestRedirect)}
	case gatewayv1.HTTPRouteFilterURLRewrite:
		return proxyconfig.Filter{Type: proxyconfig.FilterRewrite, Rewrite: rewrite(source.URLRewrite)}
	case gatewayv1.HTTPRouteFilterCORS:
		return proxyconfig.Filter{Type: proxyconfig.FilterCORS, CORS: cors(source.CORS)}
	}
	return proxyconfig.Filter{Type: proxyconfig.FilterType(source.Type)}
}

func headerEdits(source *gatewayv1.HTTPHeaderFilter) *proxyconfig.HeaderEdits {
	return &proxyconfig.HeaderEdits{
		Set:    headers(source.Set),
		Add:    headers(source.Add),
		Remove: source.Remove,
	}
}

// headers keeps the first of several entries of one name (HTTPHeader.name).
func headers(source []gatewayv1.HTTPHeader) []proxyconfig.Header {
	var out []proxyconfig.Header
	seen := make(map[string]struct{})
	for _, header := range source {
		if first(seen, strings.ToLower(string(header.Name))) {
			out = append(out, proxyconfig.Header{Name: string(header.Name), Value: header.Value})
		}
	}
	return out
}

func redirect(source *gatewayv1.HTTPRequestRedirectFilter) *proxyconfig.Redirect {
	out := &proxyconfig.Redirect{Path: pathRewrite(source.Path), Status: defaultRedirectStatus}
	if source.Scheme != nil {
		out.Scheme = *source.Scheme
	}
	if source.Hostname != nil {
		out.Hostname = string(*source.Hostname)
	}
	if source.Port != nil {
		out.Port = *source.Port
	}
	if source.StatusCode != nil {
		out.Status = *source.StatusCode
	}
	return out
}

func rewrite(source *gatewayv1.HTTPURLRewriteFilter) *proxyconfig.Rewrite {
	out := &proxyconfig.Rewrite{Path: pathRewrite(source.Path)}
	if source.Hostname != nil {
		out.Hostname = string(*source.Hostname)
	}
	return out
}

func pathRewrite(source *gatewayv1.HTTPPathModifier) *proxyconfig.PathRewrite {
	if source == nil {
		return nil
	}
	if source.Type == gatewayv1.FullPathHTTPPathModifier {
		return &proxyconfig.PathRewrite{Type: proxyconfig.ReplaceFullPath, Value: absolute(*source.ReplaceFullPath)}
	}
	replacement := *source.ReplacePrefixMatch
	if replacement != "" {
		replacement = absolute(replacement)
	}
	return &proxyconfig.PathRewrite{Type: proxyconfig.ReplacePrefixMatch, Value: replacement}
}

func absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}
