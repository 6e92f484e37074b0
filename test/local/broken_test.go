package local

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// breakage is one mistake.
type breakage struct {
	name string
	// file is what is written anew, as text; without a text it is removed.
	file, text string
	// object is told the reason; without one the mistake is known by its effect
	// alone.
	object, reason string
	// victim is who is hit, if somebody was served before, and how: by a status,
	// or with zero by having no answer.
	victim ask
	status int
}

func (s *scene) breakages() []breakage {
	http1 := s.overHTTP(httpPort, "victim.example.com")
	away := s.overHTTP(httpPort, "victim-away.example.com")
	toTLS := s.overHTTP(httpPort, "victim-to-tls.example.com")
	secure := s.overTLS(victimHTTPSPort, "victim.example.com")
	passthrough := s.overTLS(passthroughPort, "victim.example.com")
	elsewhere := get(s.client(func(t *http.Transport) { t.DisableKeepAlives = true }), "http://"+s.second+":8080/", "other.example.com")
	guest := s.overHTTP(guestPort, "guest.example.com")
	toXBackend := s.overHTTP(httpPort, "victim-x.example.com")
	trusted := s.overHTTP(httpPort, "victim-trusted.example.com")
	nowhere := backend("nowhere")
	routeWith := func(kind, rule string) string {
		host := map[string]string{"HTTPRoute": "victim.example.com", "GRPCRoute": "victim-grpc.example.com"}[kind]
		to := map[string]string{"HTTPRoute": "victim", "GRPCRoute": "http2"}[kind]
		return route(kind, "victim", "http", host, backend(to)) + "    " + rule + "\n"
	}
	return []breakage{
		{"HTTPRoute to a Service that is not there", "victim-http", route("HTTPRoute", "victim", "http", "victim.example.com", nowhere),
			"HTTPRoute shop/victim", "BackendNotFound", http1, 500},
		{"HTTPRoute to another kind", "victim-http", route("HTTPRoute", "victim", "http", "victim.example.com", "{kind: Pod, name: plain, port: 80}"),
			"HTTPRoute shop/victim", "InvalidKind", http1, 500},
		{"HTTPRoute to a port that is not there", "victim-http", route("HTTPRoute", "victim", "http", "victim.example.com", "{name: plain, port: 81}"),
			"HTTPRoute shop/victim", "BackendNotFound", http1, 500},
		{"HTTPRoute with a filter that nobody knows", "victim-http", routeWith("HTTPRoute", "filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: Nothing, name: x}}]"),
			"HTTPRoute shop/victim", "UnsupportedValue", http1, 500},
		{"HTTPRoute with a bad expression", "victim-http", routeWith("HTTPRoute", "matches: [{path: {type: RegularExpression, value: '/(unclosed'}}, {path: {value: /}}]"),
			"HTTPRoute shop/victim", "UnsupportedValue", http1, 500},
		{"HTTPRoute on a section that is not there", "victim-http", route("HTTPRoute", "victim", "nowhere", "victim.example.com", backend("victim")),
			"HTTPRoute shop/victim", "NoMatchingParent", http1, 404},
		{"GRPCRoute to a Service that is not there", "victim-grpc", route("GRPCRoute", "victim", "http", "victim-grpc.example.com", nowhere),
			"GRPCRoute shop/victim", "BackendNotFound", s.overGRPC("victim-grpc.example.com"), 500},
		{"TLSRoute to a Service that is not there", "victim-tls", route("TLSRoute", "victim", "passthrough", "victim.example.com", nowhere),
			"TLSRoute shop/victim", "BackendNotFound", passthrough, 0},
		{"TLSRoute with a hostname that is none", "victim-tls", route("TLSRoute", "victim", "passthrough", "victim.example.com, 192.0.2.1", backend("secure")),
			"TLSRoute shop/victim", "UnsupportedValue", passthrough, 0},
		{"TCPRoute to a Service that is not there", "victim-tcp", route("TCPRoute", "victim", "victim-tcp", "", nowhere),
			"TCPRoute shop/victim", "BackendNotFound", s.overTCP(victimTCPPort), 0},
		{"UDPRoute to a Service that is not there", "victim-udp", route("UDPRoute", "victim", "victim-udp", "", nowhere),
			"UDPRoute shop/victim", "BackendNotFound", s.overUDP(victimUDPPort), 0},
		{"Gateway with a protocol that nobody knows", "gateway", s.gateway(listener("odd", 9999, "example.com/telepathy", "")),
			"Gateway shop/web", "UnsupportedProtocol", nil, 0},
		{"Gateway with a certificate that is not there", "gateway", s.gateway(listener("odd", 9999, "HTTPS", ", tls: {certificateRefs: [{name: nowhere}]}")),
			"Gateway shop/web", "InvalidCertificateRef", nil, 0},
		{"ListenerSet in conflict with the Gateway", "victim-set", s.set("victim", tcpPort),
			"ListenerSet shop/victim", "ProtocolConflict", nil, 0},
		{"Secret without a certificate", "victim-cert", "apiVersion: v1\nkind: Secret\nmetadata: {name: victim, namespace: shop}\ntype: kubernetes.io/tls\ndata: {tls.crt: Z2FyYmFnZQ==, tls.key: Z2FyYmFnZQ==}\n",
			"Gateway shop/web", "InvalidCertificateRef", secure, 0},
		{"Secret that is gone", "victim-cert", "", "Gateway shop/web", "InvalidCertificateRef", secure, 0},
		{"BackendTLSPolicy with a bundle that is not there", "victim-policy", policy("victim-secure", "nowhere"),
			"BackendTLSPolicy shop/victim-secure", "InvalidCACertificateRef", toTLS, 502},
		{"BackendTLSPolicy that is gone", "victim-policy", "", "", "", toTLS, 400},
		{"ConfigMap without a certificate", "victim-bundle", configMap("victim-bundle", "garbage"),
			"BackendTLSPolicy shop/victim-secure", "InvalidCACertificateRef", toTLS, 502},
		{"ReferenceGrant to another kind of routes", "victim-grant", grant("GRPCRoute"),
			"HTTPRoute shop/victim-away", "RefNotPermitted", away, 500},
		{"ReferenceGrant that is gone", "victim-grant", "", "HTTPRoute shop/victim-away", "RefNotPermitted", away, 500},
		{"Service that is gone", "service-victim", "", "HTTPRoute shop/victim", "BackendNotFound", http1, 500},
		{"EndpointSlice that is gone", "slice-victim", "", "", "", http1, 503},
		{"EndpointSlice with an address that is none", "slice-victim", strings.ReplaceAll(service("shop/victim", s.plain)["slice-victim"], "127.0.0.1", "nobody"),
			"", "", http1, 503},
		{"GatewayClass with parameters that nobody knows", "victim-class", class("victim", "  parametersRef: {group: example.com, kind: Nothing, name: x}\n"),
			"Gateway shop/other", "InvalidParameters", elsewhere, 0},
		{"GatewayClass that is gone", "victim-class", "", "Gateway shop/other", "NoClass", elsewhere, 0},
		{"Namespace whose label is another", "victim-namespace", namespace("away", "not"),
			"HTTPRoute away/guest", "NotAllowedByListeners", guest, 404},
		{"Namespace that is gone", "victim-namespace", "", "HTTPRoute away/guest", "NotAllowedByListeners", guest, 404},
		{"XBackend with a protocol that needs TLS", "victim-xbackend", external("victim", s.plain, "  protocol: HTTP2\n"),
			"XBackend shop/victim", "Invalid", toXBackend, 500},
		{"XBackend that is gone", "victim-xbackend", "", "HTTPRoute shop/victim-x", "BackendNotFound", toXBackend, 500},
		{"XBackendTrafficPolicy with a budget of more than all", "victim-traffic", traffic("101"),
			"XBackendTrafficPolicy shop/victim", "Invalid", http1, 200},
		{"XTelemetryPolicy with a collector that is not there", "victim-telemetry", telemetry("victim", "nowhere", "2026-01-01"),
			"XTelemetryPolicy shop/victim", "BackendNotFound", http1, 200},
		{"ClusterTrustBundle without a certificate", "victim-trust", trustBundle("victim", "garbage"),
			"BackendTLSPolicy shop/victim-trusted", "InvalidCACertificateRef", trusted, 502},
		{"ClusterTrustBundle that is gone", "victim-trust", "",
			"BackendTLSPolicy shop/victim-trusted", "InvalidCACertificateRef", trusted, 502},
	}
}

// TestObjectsBreakAlone breaks each kind of object in turn, and mends it again,
// under the eyes of clients of everything else.
func TestObjectsBreakAlone(t *testing.T) {
	world := newScene(t)
	whole := world.objects()
	s := start(t, whole)
	s.write("other", world.other())
	var witnesses []*witness
	asks := map[string]ask{
		"HTTPRoute":                s.hears(world.overHTTP(httpPort, "witness.example.com")),
		"HTTPRoute by HTTPS":       s.hears(world.overTLS(httpsPort, "witness.example.com")),
		"HTTPRoute to TLS":         s.hears(world.overHTTP(httpPort, "to-tls.example.com")),
		"HTTPRoute of ListenerSet": s.hears(world.overHTTP(setPort, "a.example.com")),
		"GRPCRoute":                s.hears(world.overGRPC("grpc.example.com")),
		"TLSRoute":                 s.hears(world.overTLS(passthroughPort, "witness.example.com")),
		"TCPRoute":                 s.hears(world.overTCP(tcpPort)),
		"UDPRoute":                 s.hears(world.overUDP(udpPort)),
	}
	for _, name := range slices.Sorted(maps.Keys(asks)) {
		witnesses = append(witnesses, newWitness(name, asks[name]))
	}
	for _, b := range world.breakages() {
		t.Run(b.name, func(t *testing.T) {
			s.t = t
			if b.victim != nil {
				s.wants(b.victim, http.StatusOK)
			}
			s.write(b.file, b.text)
			if b.reason != "" {
				s.until(b.object+" is told "+b.reason, func(f facts) bool { return f.told(b.object, b.reason) })
			}
			if b.victim != nil {
				s.wants(b.victim, b.status)
			}
			s.write(b.file, whole[b.file])
			if b.reason != "" {
				s.until(b.object+" is mended", func(f facts) bool { return !f.told(b.object, b.reason) })
			}
		})
	}
	s.t = t
	for _, w := range witnesses {
		w.dismiss(t)
	}
}

// hears waits until an ask is answered.
func (s *session) hears(a ask) ask {
	s.t.Helper()
	s.wants(a, http.StatusOK)
	return a
}
