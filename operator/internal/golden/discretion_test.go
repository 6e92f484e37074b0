package golden_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/render"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// privacy is a scene of two namespaces: all that "hidden" is part of the name of
// are objects of vault, to which shop may not refer.
const privacy = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: NS-OF-GATEWAY, name: web, uid: 7e1f0c9a-0000-4000-8000-000000000001}
spec:
  gatewayClassName: fleetgate
  allowedListeners: {namespaces: {from: All}}
  tls: {frontend: {default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: hidden-clients}]}}}}
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: tcp, port: 9000, protocol: TCP, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {namespace: shop, name: more}
spec:
  parentRef: {name: web, namespace: NS-OF-GATEWAY}
  listeners: [{name: https, port: 8443, protocol: HTTPS, tls: {certificateRefs: [{name: own}]}}]
---
apiVersion: v1
kind: Secret
metadata: {namespace: shop, name: own, annotations: {golden.fleetgate.io/certificate-for: own.example.com}}
type: kubernetes.io/tls
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {namespace: vault, name: hidden-older, creationTimestamp: "2020-01-01T00:00:00Z"}
spec:
  parentRefs: [{name: web, namespace: NS-OF-GATEWAY, sectionName: http}]
  hostnames: [taken.example.com]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: shop, name: taken}
spec:
  parentRefs: [{name: web, namespace: NS-OF-GATEWAY, sectionName: http}]
  hostnames: [taken.example.com]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {namespace: shop, name: requests}
spec:
  parentRefs: [{name: web, namespace: NS-OF-GATEWAY, sectionName: http}]
  hostnames: [a.example.com]
  rules:
  - backendRefs: [{name: echo, namespace: vault, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {namespace: shop, name: bytes}
spec:
  parentRefs: [{name: web, namespace: NS-OF-GATEWAY, sectionName: tcp}]
  rules: [{backendRefs: [{name: echo, namespace: vault, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {namespace: vault, name: all}
spec:
  from:
  - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}
  - {group: gateway.networking.k8s.io, kind: TCPRoute, namespace: shop}
  to: [{group: "", kind: Service}]
---
apiVersion: v1
kind: Service
metadata: {namespace: vault, name: echo}
spec: {ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {namespace: vault, name: hidden-policy}
spec:
  targetRefs: [{group: "", kind: Service, name: echo}]
  validation: {hostname: echo.example.net, caCertificateRefs: [{group: "", kind: ConfigMap, name: hidden-ca}]}
`

// TestNamespacesAreNotToldOfObjectsOfOthers breaks whatever an object of vault
// refers to, and looks at all that shop can read: its routes and ListenerSets, and
// the configuration where the Gateway is its own.
func TestNamespacesAreNotToldOfObjectsOfOthers(t *testing.T) {
	for _, home := range []string{"shop", "vault"} {
		c, err := golden.Load([]byte(strings.ReplaceAll(privacy, "NS-OF-GATEWAY", home)))
		if err != nil {
			t.Fatal(err)
		}
		g := graph.Build(c.Resources, options())
		set := status.Build(g, c.Observed)
		told := make(map[string]any)
		for _, route := range set.Routes {
			if route.Name.Namespace == "shop" {
				told["route "+route.Name.Name] = route.Parents
			}
		}
		if home == "vault" {
			told["listeners"] = set.ListenerSets[0].Listeners
		} else {
			told["config"] = render.Config(g).Backends
		}
		if len(told) != 4 {
			t.Errorf("a Gateway of %s: %d things are told", home, len(told))
		}
		for what, is := range told {
			text := string(must(yaml.Marshal(is))(t))
			if strings.Contains(text, "hidden") {
				t.Errorf("a Gateway of %s: %s tells of it:\n%s", home, what, text)
			}
			if !strings.Contains(text, "says why") && !strings.Contains(text, "of another namespace") {
				t.Errorf("a Gateway of %s: %s tells nothing:\n%s", home, what, text)
			}
		}
		own := string(must(golden.Status(set))(t))
		if !strings.Contains(own, "hidden-ca") {
			t.Errorf("a Gateway of %s: nobody is told of hidden-ca:\n%s", home, own)
		}
	}
}
