package local

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// external is an XBackend that leads to a server of the scene by the name localhost.
func external(name, address, rest string) string {
	_, port, _ := net.SplitHostPort(address)
	return xbackend(name, "ExternalHostname", port, "  externalHostname: {hostname: localhost}\n"+rest)
}

func xbackend(name, kind, port, rest string) string {
	return fmt.Sprintf("apiVersion: gateway.networking.x-k8s.io/v1alpha1\nkind: XBackend\nmetadata: {name: %s, namespace: shop}\n"+
		"spec:\n  type: %s\n  port: {number: %s}\n%s", name, kind, port, rest)
}

// toXBackend is a reference to one.
func toXBackend(name string) string {
	return "{group: gateway.networking.x-k8s.io, kind: XBackend, name: " + name + "}"
}

// trusting is the TLS of an XBackend whose server shows the scene's bundle.
func trusting(hostname string) string {
	return "  tls: {mode: ServerOnly, validation: {hostname: " + hostname + ", caCertificateRefs: [{group: \"\", kind: ConfigMap, name: bundle}]}}\n"
}

// selected adds what a cluster makes of the selector of XBackend shop/pods: a
// Service of its own, with an EndpointSlice.
func selected(objects map[string]string, address string) {
	const made = "apiVersion: v1\nkind: Service\nmetadata: {name: pods-x7k2p, namespace: shop, uid: pods-service, ownerReferences: [{apiVersion: gateway.networking.x-k8s.io/v1alpha1, kind: XBackend, name: pods, uid: pods-backend, controller: true}]}\n" +
		"spec: {clusterIP: None, ports: [{port: 80}]}\n"
	const label = "labels: {fleetgate.io/xbackend: pods}, ownerReferences: [{apiVersion: v1, kind: Service, name: pods-x7k2p, uid: pods-service, controller: true}]}"
	objects["pods"] = strings.Replace(objects["pods"], "name: pods", "name: pods, uid: pods-backend", 1)
	objects["pods-service"] = made
	objects["pods-slice"] = strings.Replace(service("shop/pods", address)["slice-pods"], "labels: {kubernetes.io/service-name: pods}}", label, 1)
}

// TestXBackends sends traffic to XBackends by every kind of route, and has one of
// them changed and broken while it runs.
func TestXBackends(t *testing.T) {
	world := newScene(t)
	objects, gateway := world.bare()
	_, plainPort, _ := net.SplitHostPort(world.plain)
	objects["gateway"] = gateway + strings.Join([]string{
		listener("http", httpPort, "HTTP", ""), listener("tcp", tcpPort, "TCP", ""),
		listener("passthrough", passthroughPort, "TLS", ", tls: {mode: Passthrough}"),
	}, "\n") + "\n"
	objects["bundle"] = world.configMap("bundle")
	objects["plain"] = external("plain", world.plain, "")
	objects["h2c"] = external("h2c", world.http2, "  protocol: H2C\n")
	objects["secure"] = external("secure", world.secure, trusting("example.com"))
	objects["distrusted"] = external("distrusted", world.secure, trusting("other.example.net"))
	objects["nowhere"] = xbackend("nowhere", "ExternalHostname", "80", "  externalHostname: {hostname: nowhere.invalid}\n")
	objects["pods"] = xbackend("pods", "EndpointSelector", plainPort, "  endpointSelector: {matchLabels: {app: plain}}\n  sessionPersistence: {}\n")
	selected(objects, world.plain)
	for _, name := range []string{"plain", "secure", "distrusted", "nowhere", "pods", "missing"} {
		objects["to-"+name] = route("HTTPRoute", name, "http", name+".example.com", toXBackend(name))
	}
	objects["calls"] = route("GRPCRoute", "calls", "http", "calls.example.com", toXBackend("h2c"))
	objects["bytes"] = route("TCPRoute", "bytes", "tcp", "", toXBackend("plain"))
	objects["through"] = route("TLSRoute", "through", "passthrough", "through.example.com", toXBackend("secure"))
	s := start(t, objects)

	s.wants(world.overHTTP(httpPort, "plain.example.com"), http.StatusOK)
	s.wants(world.overHTTP(httpPort, "secure.example.com"), http.StatusOK)
	s.wants(world.overHTTP(httpPort, "pods.example.com"), http.StatusOK)
	s.wants(world.overGRPC("calls.example.com"), http.StatusOK)
	s.wants(world.overTCP(tcpPort), http.StatusOK)
	s.wants(world.overTLS(passthroughPort, "through.example.com"), http.StatusOK)
	s.wants(world.overHTTP(httpPort, "nowhere.example.com"), http.StatusServiceUnavailable)
	s.wants(world.overHTTP(httpPort, "distrusted.example.com"), http.StatusBadGateway)
	s.wants(world.overHTTP(httpPort, "missing.example.com"), http.StatusInternalServerError)
	s.until("the missing one is told", func(f facts) bool { return f.told("HTTPRoute shop/missing", "BackendNotFound") })

	witness := newWitness("beside it", world.overHTTP(httpPort, "secure.example.com"))
	s.write("plain", external("plain", world.plain, "  protocol: HTTP2\n"))
	s.wants(world.overHTTP(httpPort, "plain.example.com"), http.StatusInternalServerError)
	s.until("it is told", func(f facts) bool {
		return f.told("XBackend shop/plain", "Invalid") && f.told("HTTPRoute shop/plain", "InvalidXBackend")
	})
	s.write("plain", external("plain", world.plain, "  protocol: HTTP11\n"))
	s.wants(world.overHTTP(httpPort, "plain.example.com"), http.StatusOK)
	witness.dismiss(t)
}

// TestXBackendsKeepSessions has the cookie of a session given by an XBackend.
func TestXBackendsKeepSessions(t *testing.T) {
	world := newScene(t)
	objects, gateway := world.bare()
	objects["gateway"] = gateway + listener("http", httpPort, "HTTP", "") + "\n"
	_, port, _ := net.SplitHostPort(world.plain)
	objects["pods"] = xbackend("pods", "EndpointSelector", port,
		"  endpointSelector: {matchLabels: {app: plain}}\n  sessionPersistence: {cookie: {name: kept}}\n")
	selected(objects, world.plain)
	objects["to-pods"] = route("HTTPRoute", "pods", "http", "pods.example.com", toXBackend("pods"))
	s := start(t, objects)
	s.eventually("a cookie", func() error {
		r, err := http.NewRequest(http.MethodGet, "http://"+world.at(httpPort)+"/", http.NoBody)
		if err != nil {
			return err
		}
		r.Host = "pods.example.com"
		answer, err := world.client(asIs).Do(r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		for _, c := range answer.Cookies() {
			if c.Name == "kept" && c.Value != "" {
				return nil
			}
		}
		return fmt.Errorf("status %d, cookies %v", answer.StatusCode, answer.Cookies())
	})
}
