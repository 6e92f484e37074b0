package proxyconfig

import (
	"fmt"
	"strings"
)

// FilterExternalAuth asks another backend about each request before anything
// else is done for it. It may not stand at a backend reference.
const FilterExternalAuth FilterType = "ExternalAuth"

// AuthProtocol is how an authorization server is asked.
type AuthProtocol string

// The protocols of authorization servers. AuthGRPC is the service
// envoy.service.auth.v3.Authorization, and needs a backend of BackendHTTP2.
const (
	AuthHTTP AuthProtocol = "HTTP"
	AuthGRPC AuthProtocol = "GRPC"
)

// MaxAuthBodyBytes is the greatest ExternalAuth.MaxBodyBytes: the body is held
// in memory while the server is asked.
const MaxAuthBodyBytes = 1 << 20

// ExternalAuth asks an authorization server about each request, and lets none
// pass that it does not allow (Gateway API, HTTPExternalAuthFilter; GEP-1494).
type ExternalAuth struct {
	Protocol AuthProtocol `json:"protocol"`
	// Backend is the ID of one of Config.Backends. Where it is empty, or names one
	// that is not there, the rule answers 500.
	Backend string `json:"backend,omitempty"`
	// Authority is what calls by gRPC name as the server.
	Authority string `json:"authority,omitempty"`
	// PathPrefix begins with a slash where it is not empty. It goes before the
	// path of each request that is asked about by HTTP.
	PathPrefix string `json:"pathPrefix,omitempty"`
	// RequestHeaders are what of the request is shown to the server: by HTTP
	// beside what always is, by gRPC alone, unless there are none, which shows all.
	RequestHeaders []string `json:"requestHeaders,omitempty"`
	// ResponseHeaders are those of an answer by HTTP that are set on the request;
	// none means all.
	ResponseHeaders []string `json:"responseHeaders,omitempty"`
	// MaxBodyBytes is the size of the largest body that is shown to the server.
	// Requests with a larger one are answered 413. Zero shows no body, and limits
	// none.
	MaxBodyBytes int32 `json:"maxBodyBytes,omitempty"`
}

func validateExternalAuth(a *ExternalAuth) error {
	switch {
	case a.Protocol != AuthHTTP && a.Protocol != AuthGRPC:
		return fmt.Errorf("unknown protocol %q", a.Protocol)
	case a.Protocol == AuthGRPC && (a.PathPrefix != "" || len(a.ResponseHeaders) > 0):
		return fmt.Errorf("a path prefix and response headers are of protocol %s", AuthHTTP)
	case a.PathPrefix != "" && !strings.HasPrefix(a.PathPrefix, "/"):
		return fmt.Errorf("path prefix %q does not begin with a slash", a.PathPrefix)
	case !isTarget(a.PathPrefix) || strings.Contains(a.PathPrefix, "?"):
		return fmt.Errorf("path prefix %q cannot be part of a path", a.PathPrefix)
	case !isTarget(a.Authority) || strings.ContainsAny(a.Authority, "/?@"):
		return fmt.Errorf("authority %q is not valid", a.Authority)
	case a.MaxBodyBytes < 0 || a.MaxBodyBytes > MaxAuthBodyBytes:
		return fmt.Errorf("a body of %d bytes is not in 0..%d", a.MaxBodyBytes, MaxAuthBodyBytes)
	}
	return validateNames(a)
}

func validateNames(a *ExternalAuth) error {
	for _, names := range [][]string{a.RequestHeaders, a.ResponseHeaders} {
		for _, name := range names {
			if !isToken(name) {
				return fmt.Errorf("header name %q is not a token", name)
			}
		}
	}
	return nil
}
