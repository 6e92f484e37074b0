package e2e

import (
	"context"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// fleetKinds are the kinds of objects that a Gateway gets.
const fleetKinds = "deployments,daemonsets,horizontalpodautoscalers,replicasets,pods,services,endpointslices,configmaps,secrets,serviceaccounts,roles,rolebindings,poddisruptionbudgets,networkpolicies"

func TestGatewaysAndRoutesAreCreatedChangedAndDeleted(t *testing.T) {
	t.Parallel()
	s := serving(t, "lifecycle", "v1", "v2")
	s.waitFor("a.example.com", "/", answer{Status: http.StatusNotFound})

	s.route("first", "a.example.com", "one", "v1")
	s.waitFor("a.example.com", "/", answer{Status: http.StatusOK, Mark: "one", Name: s.namespace, Version: "v1"})
	s.route("first", "a.example.com", "two", "v2")
	s.waitFor("a.example.com", "/", answer{Status: http.StatusOK, Mark: "two", Name: s.namespace, Version: "v2"})

	s.applyText(twoListeners, nil)
	s.waitProgrammed()
	http1 := cluster.HTTPClient()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := client.Poll(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+":8080/", nil)
		if err != nil {
			return err
		}
		req.Host = "a.example.com"
		resp, err := http1.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	if err != nil {
		t.Errorf("the listener that was added does not answer: %v", err)
	}

	s.deleteRoute("first")
	s.waitFor("a.example.com", "/", answer{Status: http.StatusNotFound})
	s.deleteGateway()
}

const twoListeners = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: web
  namespace: {{.Namespace}}
spec:
  gatewayClassName: fleetgate
  listeners:
  - name: http
    protocol: HTTP
    port: 80
  - name: second
    protocol: HTTP
    port: 8080
`

func (s *tenantSpace) deleteRoute(name string) {
	s.t.Helper()
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name}}
	if err := cluster.Client.Delete(s.t.Context(), route); err != nil {
		s.t.Fatal(err)
	}
}

// deleteGateway deletes the Gateway and asserts that nothing of it is left.
func (s *tenantSpace) deleteGateway() {
	s.t.Helper()
	object := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "web"}}
	if err := cluster.Client.Delete(s.t.Context(), object); err != nil {
		s.t.Fatal(err)
	}
	s.waitNothingLeft("of a deleted Gateway", gatewayv1.GatewayNameLabelKey+"=web", leaves)
}

func TestTwoTenantsOnOneHostnameNeverSeeEachOthersTraffic(t *testing.T) {
	t.Parallel()
	a, b := serving(t, "same-a", "shop"), serving(t, "same-b", "shop")
	for _, s := range []*tenantSpace{a, b} {
		s.route("shop", "shop.example.com", s.namespace, "shop")
		s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: s.namespace, Name: s.namespace, Version: "shop"})
	}
	if a.address == b.address {
		t.Fatalf("both Gateways have the address %s", a.address)
	}
	for _, s := range []*tenantSpace{a, b} {
		http1 := cluster.HTTPClient()
		for i := range 500 {
			got, err := s.get(t.Context(), http1, "shop.example.com", "/")
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != s.namespace || got.Mark != s.namespace {
				t.Fatalf("request %d to %s was answered by %+v", i, s.namespace, got)
			}
		}
	}
}
