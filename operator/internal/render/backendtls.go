package render

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// backendTLS renders how a backend is reached over TLS. One that is not valid is
// the reason and nothing else, so that nothing of it can be used.
func backendTLS(node *graph.BackendTLS, certificate *graph.Certificate) *proxyconfig.BackendTLS {
	switch {
	case node == nil:
		return nil
	case node.Invalid != "":
		return &proxyconfig.BackendTLS{Invalid: node.Invalid}
	}
	out := &proxyconfig.BackendTLS{
		ServerName:     node.ServerName,
		CACertificates: node.CACertificates,
		SystemCAs:      node.SystemCAs,
	}
	for _, name := range node.SubjectAltNames {
		if name.Type == gatewayv1.URISubjectAltNameType {
			out.SubjectAltNames = append(out.SubjectAltNames, proxyconfig.SubjectAltName{URI: string(name.URI)})
			continue
		}
		out.SubjectAltNames = append(out.SubjectAltNames, proxyconfig.SubjectAltName{Hostname: strings.ToLower(string(name.Hostname))})
	}
	if certificate != nil {
		ref := certificateRefs([]*graph.Certificate{certificate})[0]
		out.ClientCertificate = &ref
	}
	return out
}

// clientCertificate is what is presented to a backend, or nil: an XBackend says so
// itself, and in other modes than ClientAndServer wants nothing.
func clientCertificate(node *graph.Backend, gateways *graph.Certificate) *graph.Certificate {
	switch {
	case node.Key.Kind == "":
		return gateways
	case node.TLS != nil:
		return node.TLS.ClientCertificate
	}
	return nil
}

// presents says whether some backend is to see the Gateway's certificate.
func presents(g *graph.Graph) bool {
	return g.Gateway.ClientCertificate != nil && slices.ContainsFunc(g.Backends, func(backend *graph.Backend) bool {
		return backend.Key.Kind == "" && backend.TLS != nil && backend.TLS.Invalid == ""
	})
}
