package e2e

import (
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// inCluster asks for an address that the cluster alone reaches.
const inCluster = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: web
  namespace: {{.Namespace}}
spec:
  gatewayClassName: fleetgate
  addresses:
  - type: IPAddress
    routability: Cluster
  listeners:
  - name: http
    protocol: HTTP
    port: 80
`

func TestGatewayOfTheClusterHasAnAddressOfTheClusterAlone(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "routability")
	s.applyText(inCluster, nil)
	s.apply("backend", map[string]any{"Name": "shop", "Replicas": 1})
	s.waitBackend("shop")
	s.waitProgrammed()

	var service corev1.Service
	var gateway gatewayv1.Gateway
	for name, object := range map[string]ctrlclient.Object{"web-fleetgate": &service, "web": &gateway} {
		if err := cluster.Client.Get(t.Context(), ctrlclient.ObjectKey{Namespace: s.namespace, Name: name}, object); err != nil {
			t.Fatal(err)
		}
	}
	if service.Spec.Type != corev1.ServiceTypeClusterIP || len(service.Status.LoadBalancer.Ingress) > 0 {
		t.Errorf("the Service is of type %s and has %v of a load balancer, want a %s without",
			service.Spec.Type, service.Status.LoadBalancer.Ingress, corev1.ServiceTypeClusterIP)
	}
	addresses := gateway.Status.Addresses
	if len(addresses) != 1 || addresses[0].Value != service.Spec.ClusterIP {
		t.Fatalf("the Gateway has addresses %+v, want %s alone", addresses, service.Spec.ClusterIP)
	}
	if got := addresses[0].Routability; got == nil || *got != gatewayv1.GatewayAddressRoutabilityCluster {
		t.Errorf("the address has routability %v, want %s", got, gatewayv1.GatewayAddressRoutabilityCluster)
	}
	err := client.HasCondition(gateway.Status.Conditions, string(gatewayv1.GatewayConditionAddressesAssigned), metav1.ConditionTrue, gateway.Generation)
	if err != nil {
		t.Error(err)
	}
	s.route("shop", "shop.example.com", "steady", "shop")
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "steady", Name: s.namespace, Version: "shop"})
}

// severalScopes asks for an address of the cluster, for any, and for one of a scope that
// nobody here knows.
const severalScopes = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: {{.Namespace}}}
spec:
  gatewayClassName: fleetgate
  addresses:
  - {type: IPAddress, routability: Cluster}
  - {type: IPAddress}
  {{- with .Scope}}
  - {type: IPAddress, routability: {{.}}}
  {{- end}}
  listeners:
  - {name: http, protocol: HTTP, port: 80}
`

// One Gateway has addresses of several scopes, each of which leads to it, and is told of
// the scope that it cannot have.
func TestGatewayHasAddressesOfSeveralScopes(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "scopes")
	assigned := `{.status.conditions[?(@.type=="AddressesAssigned")]['status','reason','message']}`
	s.applyText(severalScopes, map[string]any{"Scope": "example.com/moon"})
	s.wantText("gateway/web", assigned, "False PartiallyAssigned", "spec.addresses[2] (example.com/moon)")
	s.applyText(severalScopes, map[string]any{"Scope": ""})
	s.waitProgrammed()
	s.wantText("gateway/web", assigned, "True AddressesAssigned")

	service := read(s, "web-fleetgate", &corev1.Service{})
	if len(service.Status.LoadBalancer.Ingress) == 0 {
		t.Fatalf("the Service of type %s has no address of a load balancer", service.Spec.Type)
	}
	want := service.Spec.ClusterIP + " Cluster, " + service.Status.LoadBalancer.Ingress[0].IP + " , "
	s.wantText("gateway/web", `{range .status.addresses[*]}{.value} {.routability}, {end}`, want)
	for _, address := range read(s, "web", &gatewayv1.Gateway{}).Status.Addresses {
		s.address = address.Value
		s.waitFor("a.example.com", "/", answer{Status: http.StatusNotFound})
	}
}
