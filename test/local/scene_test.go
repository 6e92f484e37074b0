package local

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// The listeners' ports.
const (
	httpPort        = 8080
	setPort         = 8081
	httpsPort       = 8443
	passthroughPort = 8444
	tcpPort         = 9000
	udpPort         = 9001
	// victimHTTPSPort, victimTCPPort, victimUDPPort and guestPort are those of what
	// is broken.
	victimHTTPSPort = 9443
	victimTCPPort   = 9100
	victimUDPPort   = 9101
	guestPort       = 8082
)

// scene is a Gateway with listeners and routes of every kind, once to be broken
// (in names: "victim") and once to bear witness that nothing else breaks.
type scene struct {
	address string
	// second is the address of a Gateway of a class of its own, see other.
	second string
	// backends are addresses: of a plain HTTP server, of one with HTTP/2 alone,
	// of one with TLS, and of one for datagrams.
	plain, http2, secure, datagrams string
	// cert is what the listeners show, bundle whom the backend with TLS shows.
	cert, bundle edge.Certificate
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{
		address: fmt.Sprintf("127.91.%d.%d", os.Getpid()>>8&0xff, os.Getpid()&0x7f+1),
		second:  fmt.Sprintf("127.92.%d.%d", os.Getpid()>>8&0xff, os.Getpid()&0x7f+1),
		cert:    edge.NewCertificate(t, "listener", "*.example.com"),
	}
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) })
	server := func(alter func(*httptest.Server), begin func(*httptest.Server)) *httptest.Server {
		b := httptest.NewUnstartedServer(answer)
		b.Config.ErrorLog = log.New(io.Discard, "", 0)
		alter(b)
		begin(b)
		t.Cleanup(b.Close)
		return b
	}
	asIs := func(*httptest.Server) {}
	s.plain = server(asIs, (*httptest.Server).Start).Listener.Addr().String()
	s.http2 = server(func(b *httptest.Server) {
		b.Config.Protocols = new(http.Protocols)
		b.Config.Protocols.SetUnencryptedHTTP2(true)
	}, (*httptest.Server).Start).Listener.Addr().String()
	secure := server(asIs, (*httptest.Server).StartTLS)
	s.secure = secure.Listener.Addr().String()
	s.bundle = edge.Certificate{CertPEM: pemOf(secure.Certificate())}
	s.datagrams = echoDatagrams(t)
	return s
}

// echoDatagrams returns the address of a server that sends back what it gets.
func echoDatagrams(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		for b := make([]byte, 2048); ; {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(b[:n], from)
		}
	}()
	return c.LocalAddr().String()
}

// gateway is the Gateway, to whose listeners a case may add some.
func (s *scene) gateway(more ...string) string {
	return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  gatewayClassName: fleetgate
  addresses: [{type: IPAddress, value: ` + s.address + `}]
  allowedListeners: {namespaces: {from: All}}
  listeners:
` + strings.Join(append([]string{
		listener("http", httpPort, "HTTP", ""),
		listener("https", httpsPort, "HTTPS", ", tls: {certificateRefs: [{name: cert}]}"),
		listener("passthrough", passthroughPort, "TLS", ", tls: {mode: Passthrough}"),
		listener("tcp", tcpPort, "TCP", ""),
		listener("udp", udpPort, "UDP", ""),
		listener("victim-https", victimHTTPSPort, "HTTPS", ", tls: {certificateRefs: [{name: victim}]}"),
		listener("victim-tcp", victimTCPPort, "TCP", ""),
		listener("victim-udp", victimUDPPort, "UDP", ""),
		listener("guest", guestPort, "HTTP", ", allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {guest: welcome}}}}"),
	}, more...), "\n") + "\n"
}

func listener(name string, port int, protocol, rest string) string {
	return fmt.Sprintf("  - {name: %s, port: %d, protocol: %s%s}", name, port, protocol, rest)
}

// other is a Gateway of the class that is broken, with a listener and a route.
func (s *scene) other() string {
	return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: other, namespace: shop}
spec:
  gatewayClassName: victim
  addresses: [{type: IPAddress, value: ` + s.second + `}]
  listeners:
` + listener("http", httpPort, "HTTP", "") + "\n---\n" +
		strings.Replace(route("HTTPRoute", "other", "http", "", backend("plain")), "{name: web,", "{name: other,", 1)
}

func class(name, rest string) string {
	return "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: " + name + "}\n" +
		"spec:\n  controllerName: fleetgate.io/gateway-controller\n" + rest
}

func namespace(name, label string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {guest: " + label + "}}\n"
}

// objects are all of the scene, by the names of their files.
func (s *scene) objects() map[string]string {
	all := map[string]string{
		"class":   class("fleetgate", ""),
		"gateway": s.gateway(),
		"set":     s.set("witness", setPort),

		"http":        route("HTTPRoute", "witness", "http", "witness.example.com", backend("plain")),
		"https":       route("HTTPRoute", "secure", "https", "", backend("plain")),
		"to-tls":      route("HTTPRoute", "to-tls", "http", "to-tls.example.com", backend("secure")),
		"grpc":        route("GRPCRoute", "witness", "http", "grpc.example.com", backend("http2")),
		"passthrough": route("TLSRoute", "witness", "passthrough", "witness.example.com", backend("secure")),
		"tcp":         route("TCPRoute", "witness", "tcp", "", backend("plain")),
		"udp":         route("UDPRoute", "witness", "udp", "", backend("datagrams")),
		"cert":        s.secret("cert"),
		"policy":      policy("secure", "bundle"),
		"bundle":      s.configMap("bundle"),

		"victim-http":   route("HTTPRoute", "victim", "http", "victim.example.com", backend("victim")),
		"victim-grpc":   route("GRPCRoute", "victim", "http", "victim-grpc.example.com", backend("http2")),
		"victim-tls":    route("TLSRoute", "victim", "passthrough", "victim.example.com", backend("secure")),
		"victim-tcp":    route("TCPRoute", "victim", "victim-tcp", "", backend("plain")),
		"victim-udp":    route("UDPRoute", "victim", "victim-udp", "", backend("datagrams")),
		"victim-https":  route("HTTPRoute", "victim-secure", "victim-https", "", backend("plain")),
		"victim-to-tls": route("HTTPRoute", "victim-to-tls", "http", "victim-to-tls.example.com", backend("victim-secure")),
		"victim-away":   route("HTTPRoute", "victim-away", "http", "victim-away.example.com", "{name: away, namespace: away, port: 80}"),
		"victim-cert":   s.secret("victim"),
		"victim-policy": policy("victim-secure", "victim-bundle"),
		"victim-bundle": s.configMap("victim-bundle"),
		"victim-grant":  grant("HTTPRoute"),

		"victim-class":     class("victim", ""),
		"victim-namespace": namespace("away", "welcome"),
		"victim-guest": strings.NewReplacer("namespace: shop", "namespace: away", "{name: web,", "{name: web, namespace: shop,").Replace(
			route("HTTPRoute", "guest", "guest", "", "{name: away, port: 80}")),
		"victim-xbackend":     external("victim", s.plain, ""),
		"victim-to-xbackend":  route("HTTPRoute", "victim-x", "http", "victim-x.example.com", toXBackend("victim")),
		"victim-traffic":      traffic("100"),
		"victim-telemetry":    strings.Replace(telemetry("victim", "plain", "2026-01-01"), "4318", "80", 1),
		"victim-trust":        trustBundle("victim", string(s.bundle.CertPEM)),
		"victim-trust-policy": policyOf("victim-trusted", "{group: certificates.k8s.io, kind: ClusterTrustBundle, name: victim}"),
		"victim-to-trusted":   route("HTTPRoute", "victim-trusted", "http", "victim-trusted.example.com", backend("victim-trusted")),
	}
	for name, address := range map[string]string{
		"shop/plain": s.plain, "shop/http2": s.http2, "shop/secure": s.secure, "shop/datagrams": s.datagrams,
		"shop/victim": s.plain, "shop/victim-secure": s.secure, "away/away": s.plain,
		"shop/victim-trusted": s.secure,
	} {
		maps.Copy(all, service(name, address))
	}
	return all
}

func backend(name string) string { return "{name: " + name + ", port: 80}" }

// route has one rule; one with something to match by its host has a hostname.
func route(kind, name, section, host, backend string) string {
	text := "apiVersion: gateway.networking.k8s.io/v1\nkind: " + kind + "\nmetadata: {name: " + name + ", namespace: shop}\n" +
		"spec:\n  parentRefs: [{name: web, sectionName: " + section + "}]\n"
	if host != "" {
		text += "  hostnames: [" + host + "]\n"
	}
	return text + "  rules:\n  - backendRefs: [" + backend + "]\n"
}

// set is a ListenerSet with a listener, and a route on it.
func (s *scene) set(name string, port int) string {
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: %[1]s, namespace: shop}
spec:
  parentRef: {name: web}
  listeners: [{name: more, port: %[2]d, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: set-%[1]s, namespace: shop}
spec:
  parentRefs: [{group: gateway.networking.k8s.io, kind: ListenerSet, name: %[1]s}]
  rules: [{backendRefs: [{name: plain, port: 80}]}]
`, name, port)
}

func policy(service, bundle string) string {
	return policyOf(service, `{group: "", kind: ConfigMap, name: `+bundle+`}`)
}

func policyOf(service, bundle string) string {
	return `apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: ` + service + `, namespace: shop}
spec:
  targetRefs: [{group: "", kind: Service, name: ` + service + `}]
  validation: {hostname: example.com, caCertificateRefs: [` + bundle + `]}
`
}

// traffic lets retries be a share of the requests to Service victim.
func traffic(percent string) string {
	return `apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {name: victim, namespace: shop}
spec:
  targetRefs: [{group: "", kind: Service, name: victim}]
  retryConstraint: {budget: {percent: ` + percent + `}}
`
}

func grant(kind string) string {
	return `apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: away, namespace: away}
spec:
  from: [{group: gateway.networking.k8s.io, kind: ` + kind + `, namespace: shop}]
  to: [{group: "", kind: Service}]
`
}

func (s *scene) secret(name string) string {
	encode := base64.StdEncoding.EncodeToString
	return "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + ", namespace: shop}\ntype: kubernetes.io/tls\n" +
		"data: {tls.crt: " + encode(s.cert.CertPEM) + ", tls.key: " + encode(s.cert.Private) + "}\n"
}

func (s *scene) configMap(name string) string { return configMap(name, string(s.bundle.CertPEM)) }

func configMap(name, bundle string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: shop}\ndata:\n  ca.crt: |\n    " +
		strings.ReplaceAll(strings.TrimSpace(bundle), "\n", "\n    ") + "\n"
}

// service is a Service and its EndpointSlice, in a file each.
func service(name, address string) map[string]string {
	namespace, short, _ := strings.Cut(name, "/")
	host, port, _ := net.SplitHostPort(address)
	protocol := "TCP"
	if short == "datagrams" {
		protocol = "UDP"
	}
	extra := ""
	if short == "http2" {
		extra = ", appProtocol: kubernetes.io/h2c"
	}
	return map[string]string{
		"service-" + short: fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: %s}\n"+
			"spec: {ports: [{port: 80, protocol: %s, targetPort: %s%s}]}\n", short, namespace, protocol, port, extra),
		"slice-" + short: fmt.Sprintf("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"+
			"metadata: {name: %s, namespace: %s, labels: {kubernetes.io/service-name: %s}}\naddressType: IPv4\n"+
			"ports: [{port: %s, protocol: %s}]\nendpoints: [{addresses: [%s]}]\n", short, namespace, short, port, protocol, host),
	}
}
