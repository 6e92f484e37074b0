package golden_test

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/local/view"
	"github.com/fleetgate/fleetgate/operator/internal/render"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// reference is a way in which an object of the namespace shop refers to one of
// the namespace vault.
type reference struct {
	name string
	// from and to are the kinds, as a grant has them.
	from, to string
	// objects refer to vault's backend, secret or bundle.
	objects string
	// serves is what is in the configuration of proxies if the reference holds.
	serves string
}

const (
	vaultEndpoint = "10.7.7.7"
	vaultHostname = "vault.example.net"
	vaultBundle   = "clientValidation"
	// ownBackend is what a rule has beside the reference in question.
	ownBackend = `backendRefs: [{name: echo, port: 80}]`
)

// references are all of which the API says that a grant has to allow them.
func references() []reference {
	route := func(kind, section, rule string) string {
		return "apiVersion: gateway.networking.k8s.io/v1\nkind: " + kind +
			"\nmetadata: {namespace: shop, name: route}\nspec:\n  parentRefs: [{name: web, sectionName: " + section + "}]\n  rules:\n  - " + rule
	}
	const (
		backend = "backendRefs: [{name: echo, namespace: vault, port: 80}]"
		auth    = "filters: [{type: ExternalAuth, externalAuth: {protocol: HTTP, backendRef: {name: echo, namespace: vault, port: 80}}}]\n    " + ownBackend
		mutual  = "apiVersion: gateway.networking.x-k8s.io/v1alpha1\nkind: XBackend\nmetadata: {namespace: shop, name: mutual}\nspec:\n" +
			"  type: ExternalHostname\n  port: {number: 443}\n  externalHostname: {hostname: mutual.example.net}\n" +
			"  tls: {mode: ClientAndServer, clientCertificateRef: {name: cert, namespace: vault}, validation: {hostname: mutual.example.net, wellKnownCACertificates: System}}\n---\n"
		mirror  = "filters: [{type: RequestMirror, requestMirror: {backendRef: {name: echo, namespace: vault, port: 80}}}]\n    " + ownBackend
		gateway = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {namespace: shop, name: web, uid: 7e1f0c9a-0000-4000-8000-000000000001}\nspec:\n  gatewayClassName: fleetgate\n"
		set     = "apiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: {namespace: shop, name: more}\nspec:\n  parentRef: {name: web}\n"
		asking  = "{name: asking, port: 8080, protocol: HTTP, filters: {requests: [{type: ExternalAuth, externalAuth: {protocol: HTTP, backendRef: {name: echo, namespace: vault, port: 80}}}]}}"
	)
	tls := func(kind, section string) string {
		return strings.Replace(route(kind, section, backend), "  rules:", "  hostnames: [a.example.com]\n  rules:", 1)
	}
	return []reference{
		{"certificate", "Gateway", "Secret", gateway +
			"  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert, namespace: vault}]}}]", "certificates:"},
		{"certificate of a ListenerSet", "ListenerSet", "Secret",
			"apiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: {namespace: shop, name: more}\nspec:\n  parentRef: {name: web}\n" +
				"  listeners: [{name: https, port: 8443, protocol: HTTPS, tls: {certificateRefs: [{name: cert, namespace: vault}]}}]", "certificates:"},
		{"bundle for clients", "Gateway", "ConfigMap", gateway +
			"  tls: {frontend: {default: {validation: {caCertificateRefs: [{group: \"\", kind: ConfigMap, name: bundle, namespace: vault}]}}}}\n" +
			"  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: own}]}}]", vaultBundle},
		{"backend of an HTTPRoute", "HTTPRoute", "Service", route("HTTPRoute", "http", backend), vaultEndpoint},
		{"backend of a GRPCRoute", "GRPCRoute", "Service", route("GRPCRoute", "http", backend), vaultEndpoint},
		{"backend of a TLSRoute", "TLSRoute", "Service", tls("TLSRoute", "tls"), vaultEndpoint},
		{"backend of a TCPRoute", "TCPRoute", "Service", route("TCPRoute", "tcp", backend), vaultEndpoint},
		{"backend of a UDPRoute", "UDPRoute", "Service", route("UDPRoute", "udp", backend), vaultEndpoint},
		{"mirror of an HTTPRoute", "HTTPRoute", "Service", route("HTTPRoute", "http", mirror), vaultEndpoint},
		{"mirror of a GRPCRoute", "GRPCRoute", "Service", route("GRPCRoute", "http", mirror), vaultEndpoint},
		{"authorization of an HTTPRoute", "HTTPRoute", "Service", route("HTTPRoute", "http", auth), vaultEndpoint},
		{"filter of a Gateway's listener", "Gateway", "Service", gateway + "  listeners: [" + asking + "]", vaultEndpoint},
		{"filter of a ListenerSet's listener", "ListenerSet", "Service", set + "  listeners: [" + asking + "]", vaultEndpoint},
		{"collector of an XTelemetryPolicy", "XTelemetryPolicy", "Service",
			"apiVersion: gateway.networking.x-k8s.io/v1alpha1\nkind: XTelemetryPolicy\nmetadata: {namespace: shop, name: traces}\nspec:\n" +
				"  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: web}]\n" +
				"  tracing: {mode: Enabled, provider: {backendRef: {name: echo, namespace: vault, port: 80}}}", vaultEndpoint},
		{"client certificate of a Gateway", "Gateway", "Secret", gateway +
			"  tls: {backend: {clientCertificateRef: {name: cert, namespace: vault}}}\n  listeners: [{name: http, port: 80, protocol: HTTP}]\n---\n" +
			"apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: {namespace: shop, name: echo}\nspec:\n" +
			"  targetRefs: [{group: \"\", kind: Service, name: echo}]\n  validation: {hostname: echo.example.net, wellKnownCACertificates: System}\n---\n" +
			route("HTTPRoute", "http", ownBackend), "clientCertificate:"},
		{"client certificate of an XBackend", "XBackend", "Secret", mutual +
			route("HTTPRoute", "http", "backendRefs: [{group: gateway.networking.x-k8s.io, kind: XBackend, name: mutual}]"), "clientCertificate:"},
	}
}

// TestXBackendsAreForTheirOwnNamespace turns the references to a Service of another
// namespace into such to an XBackend: no grant helps (GEP-4894, Route Attachment and
// Consumer Overrides).
func TestXBackendsAreForTheirOwnNamespace(t *testing.T) {
	const service, xbackend = "{name: echo, namespace: vault, port: 80}", "{group: gateway.networking.x-k8s.io, kind: XBackend, name: echo, namespace: vault}"
	for _, r := range references() {
		if r.to != "Service" {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			r.to, r.serves = "XBackend", vaultHostname
			r.objects = strings.Replace(r.objects, service, xbackend, 1)
			r.check(t, "absent", "", false)
			r.check(t, "exact", string(must(yaml.Marshal(r.grantFor()))(t)), false)
		})
	}
}

// scene is what there is beside the reference and the grant.
const scene = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {namespace: shop, name: web, uid: 7e1f0c9a-0000-4000-8000-000000000001}
spec:
  gatewayClassName: fleetgate
  allowedListeners: {namespaces: {from: All}}
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: tls, port: 444, protocol: TLS, tls: {mode: Passthrough}}
  - {name: tcp, port: 9000, protocol: TCP}
  - {name: udp, port: 9000, protocol: UDP}
---
apiVersion: v1
kind: Service
metadata: {namespace: shop, name: echo}
spec: {ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Secret
metadata: {namespace: shop, name: own, annotations: {golden.fleetgate.io/certificate-for: own.example.com}}
type: kubernetes.io/tls
---
apiVersion: v1
kind: Service
metadata: {namespace: vault, name: echo}
spec: {ports: [{port: 80, targetPort: 8080}, {port: 80, protocol: UDP, name: udp, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {namespace: vault, name: echo-1, labels: {kubernetes.io/service-name: echo}}
addressType: IPv4
ports: [{port: 8080}, {port: 8080, name: udp, protocol: UDP}]
endpoints: [{addresses: [` + vaultEndpoint + `]}]
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {namespace: vault, name: echo}
spec: {type: ExternalHostname, port: {number: 443}, externalHostname: {hostname: ` + vaultHostname + `}}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {namespace: vault, name: retries}
spec:
  targetRefs: [{group: "", kind: Service, name: echo}]
  retryConstraint: {}
---
apiVersion: v1
kind: Secret
metadata: {namespace: vault, name: cert, annotations: {golden.fleetgate.io/certificate-for: shop.example.com}}
type: kubernetes.io/tls
---
apiVersion: v1
kind: ConfigMap
metadata: {namespace: vault, name: bundle, annotations: {golden.fleetgate.io/certificate-for: clients.example.com}}
---
`

// grantFor is a ReferenceGrant that allows the reference in every respect.
func (r reference) grantFor() gatewayv1.ReferenceGrant {
	name := gatewayv1.ObjectName(map[string]string{"Secret": "cert", "ConfigMap": "bundle", "Service": "echo", "XBackend": "echo"}[r.to])
	grant := gatewayv1.ReferenceGrant{Spec: gatewayv1.ReferenceGrantSpec{
		From: []gatewayv1.ReferenceGrantFrom{{Group: gatewayv1.GroupName, Kind: gatewayv1.Kind(r.from), Namespace: "shop"}},
		To:   []gatewayv1.ReferenceGrantTo{{Kind: gatewayv1.Kind(r.to), Name: &name}},
	}}
	if r.from == "XBackend" || r.from == "XTelemetryPolicy" {
		grant.Spec.From[0].Group = gatewayxv1alpha1.GroupName
	}
	if r.to == "XBackend" {
		grant.Spec.To[0].Group = gatewayxv1alpha1.GroupName
	}
	grant.Namespace, grant.Name = "vault", "grant"
	grant.APIVersion, grant.Kind = gatewayv1.GroupVersion.String(), "ReferenceGrant"
	return grant
}

// TestReferencesAreGranted crosses every kind of reference with every way in
// which a grant can fall short of it.
func TestReferencesAreGranted(t *testing.T) {
	other := gatewayv1.ObjectName("other")
	grants := []struct {
		name  string
		alter func(*gatewayv1.ReferenceGrant)
		want  bool
	}{
		{"exact", func(*gatewayv1.ReferenceGrant) {}, true},
		{"any name", func(g *gatewayv1.ReferenceGrant) { g.Spec.To[0].Name = nil }, true},
		{"wrong name", func(g *gatewayv1.ReferenceGrant) { g.Spec.To[0].Name = &other }, false},
		{"wrong kind", func(g *gatewayv1.ReferenceGrant) { g.Spec.To[0].Kind = "Pod" }, false},
		{"wrong group", func(g *gatewayv1.ReferenceGrant) { g.Spec.To[0].Group = "apps" }, false},
		{"wrong kind that refers", func(g *gatewayv1.ReferenceGrant) { g.Spec.From[0].Kind = "GatewayClass" }, false},
		{"wrong group that refers", func(g *gatewayv1.ReferenceGrant) { g.Spec.From[0].Group = "" }, false},
		{"wrong namespace that refers", func(g *gatewayv1.ReferenceGrant) { g.Spec.From[0].Namespace = "vault" }, false},
		{"wrong namespace", func(g *gatewayv1.ReferenceGrant) { g.Namespace = "shop" }, false},
	}
	for _, r := range references() {
		t.Run(r.name, func(t *testing.T) {
			r.check(t, "absent", "", false)
			for _, g := range grants {
				grant := r.grantFor()
				g.alter(&grant)
				r.check(t, g.name, string(must(yaml.Marshal(grant))(t)), g.want)
			}
			r.revoke(t)
		})
	}
}

// revoke takes the grant away from a Gateway that serves by it: that leads to the
// Gateway, which is then translated without.
func (r reference) revoke(t *testing.T) {
	t.Helper()
	grant := r.grantFor()
	c, err := golden.Load([]byte(scene + r.objects + "\n---\n" + string(must(yaml.Marshal(grant))(t))))
	if err != nil {
		t.Fatal(err)
	}
	gateway := client.ObjectKeyFromObject(c.Resources.Gateway)
	collected := func(objects []client.Object) *store.Resources {
		return must(store.Collect(t.Context(), viewOf(t, objects), gateway, golden.ControllerName))(t)
	}
	objects := objectsOf(c.Resources)
	if in := collected(append(objects, &grant)); len(in.Grants) != 1 {
		t.Errorf("exact: %d grants belong to the Gateway", len(in.Grants))
	}
	if touched := must(store.GatewaysFor(t.Context(), viewOf(t, objects), &grant))(t); !slices.Contains(touched, gateway) {
		t.Errorf("revoked: the grant leads to %v", touched)
	}
	in := collected(objects)
	config := render.Config(graph.Build(in, options()))
	if strings.Contains(string(must(yaml.Marshal(config))(t)), r.serves) {
		t.Error("revoked: still served")
	}
	r.check(t, "revoked", "", false)
}

// viewOf is a cluster that has the objects.
func viewOf(t *testing.T, objects []client.Object) *view.View {
	t.Helper()
	scheme := must(cluster.NewScheme())(t)
	indexes := view.NewIndexes(scheme)
	if err := store.IndexFields(t.Context(), indexes, func(client.Object) bool { return true }); err != nil {
		t.Fatal(err)
	}
	return must(view.New(scheme, indexes, objects))(t)
}

// objectsOf are the objects of a case, without grants.
func objectsOf(in *store.Resources) []client.Object {
	objects := []client.Object{in.Class, in.Gateway}
	for _, route := range in.Routes() {
		objects = append(objects, route)
	}
	for _, slices := range in.EndpointSlices {
		for _, slice := range slices {
			objects = append(objects, slice)
		}
	}
	objects = append(objects, anyOf(in.ListenerSets)...)
	objects = append(objects, anyOf(in.Services)...)
	objects = append(objects, anyOf(in.Secrets)...)
	objects = append(objects, anyOf(in.ConfigMaps)...)
	objects = append(objects, anyOf(in.XBackends)...)
	objects = append(objects, anyOf(in.BackendTLSPolicies)...)
	objects = append(objects, anyOf(in.TrafficPolicies)...)
	return append(objects, anyOf(in.TelemetryPolicies)...)
}

func anyOf[T client.Object](objects map[types.NamespacedName]T) (out []client.Object) {
	for _, object := range objects {
		out = append(out, object)
	}
	return out
}

// check translates the reference beside a grant, and compares what is served,
// and what the status says, with what the grant allows.
func (r reference) check(t *testing.T, name, grant string, want bool) {
	t.Helper()
	c, err := golden.Load([]byte(scene + r.objects + "\n---\n" + grant))
	if err != nil {
		t.Fatal(err)
	}
	g := graph.Build(c.Resources, options())
	config := render.Config(g)
	checkServable(t, &config)
	if served := strings.Contains(string(must(yaml.Marshal(config))(t)), r.serves); served != want {
		t.Errorf("%s: served: %t, want %t", name, served, want)
	}
	told := string(must(golden.Status(status.Build(g, c.Observed)))(t))
	if refused := strings.Contains(told, string(gatewayv1.ListenerReasonRefNotPermitted)); refused == want {
		t.Errorf("%s: the status says that it is not permitted: %t, want %t\n%s", name, refused, !want, told)
	}
	if strings.Contains(told, "vault/echo:") {
		t.Errorf("%s: the XBackend has a status\n%s", name, told)
	}
	// A policy hears of the Gateway only if the Gateway may use its Service.
	if heard := strings.Contains(told, "vault/retries"); heard != (want && r.to == "Service") {
		t.Errorf("%s: the policy has a status: %t\n%s", name, heard, told)
	}
}
