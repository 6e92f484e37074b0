package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// classOfAnother belongs to a controller that is not there.
const classOfAnother = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: e2e-elsewhere}
spec: {controllerName: example.com/elsewhere}
`

// named is a Gateway of any name and class.
const named = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: {{.Name}}, namespace: {{.Namespace}}}
spec:
  gatewayClassName: {{.Class}}
  listeners:
  - {name: http, protocol: HTTP, port: 80}
`

// A Gateway that another controller gets keeps nothing of ours, and has its fleet
// again when it comes back.
func TestGatewayGoesToAnotherControllerAndComesBack(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "elsewhere")
	s.applyText(classOfAnother, nil)
	t.Cleanup(func() {
		object := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: "e2e-elsewhere"}}
		if err := cluster.Client.Delete(context.Background(), object); err != nil {
			t.Error(err)
		}
	})
	s.apply("gateway", nil)
	s.serve(server{name: "shop", port: 8080, handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }})
	s.route("shop", "shop.example.com", "steady", "shop")
	s.waitProgrammed()

	s.applyText(named, map[string]any{"Name": "web", "Class": "e2e-elsewhere"})
	s.waitNothingLeft("after the class changed", gatewayv1.GatewayNameLabelKey, leaves)
	s.wantStatusWithout("fleetgate.io/gateway-controller")
	s.applyText(named, map[string]any{"Name": "web", "Class": "fleetgate"})
	s.waitProgrammed()
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusNoContent, Mark: "steady"})
	s.deleteGateway()
}

// wantStatusWithout waits until no parent of the route is spoken of by a controller.
func (s *tenantSpace) wantStatusWithout(controller string) {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		out, err := cluster.Kubectl(ctx, "get", "httproute/shop", "-n", s.namespace, "-o", "jsonpath={.status.parents[*].controllerName}")
		if err == nil && strings.Contains(string(out), controller) {
			err = fmt.Errorf("%s still speaks of the route", controller)
		}
		return err
	})
}

// Names as long as they may be do not get into each other's way, and neither does what
// is left of them when they go, one by one and with their namespace.
func TestGatewaysOfTheLongestNamesComeAndGo(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "longest")
	whole := strings.Repeat("a", 61) + "." + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "." + strings.Repeat("d", 62)
	all := []string{strings.Repeat("a", 63), whole + "e", whole + "f"}
	for _, name := range all {
		s.applyText(named, map[string]any{"Name": name, "Class": "fleetgate"})
	}
	seen := map[string]string{}
	for _, name := range all {
		address := s.waitAddress(name)
		if other := seen[address]; other != "" {
			t.Errorf("%s and %s have the address %s", name, other, address)
		}
		seen[address] = name
	}
	for _, name := range all {
		object := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name}}
		if err := cluster.Client.Delete(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	s.waitNothingLeft("after the Gateways were deleted", gatewayv1.GatewayNameLabelKey, leaves)
}

func (s *tenantSpace) waitAddress(name string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	gateway := tenant.Gateway{Cluster: cluster.Cluster, Name: types.NamespacedName{Namespace: s.namespace, Name: name}}
	address, err := gateway.WaitProgrammed(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return address
}

// leaves is how long the objects of a fleet may be there after the end of its reason. Of a
// namespace, Kubernetes itself waits 5 s before it begins to delete, and half of the pods'
// grace period of 30 s before it looks for what is left.
const (
	leaves              = 30 * time.Second
	leavesWithNamespace = leaves + 5*time.Second + 16*time.Second
)

// waitNothingLeft waits until the tenant has no object that a fleet has, or none of those
// of one Gateway that the selector names. It may take no longer than that.
func (s *tenantSpace) waitNothingLeft(when, selector string, within time.Duration) {
	s.t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	err := client.Poll(ctx, func(ctx context.Context) error {
		out, err := cluster.Kubectl(ctx, "get", fleetKinds, "-n", s.namespace, "-o", "name", "-l", selector)
		if err == nil && len(out) > 0 {
			err = fmt.Errorf("still there: %s", strings.Join(strings.Fields(string(out)), ", "))
		}
		return err
	})
	took := time.Since(start)
	if err != nil || took > within {
		s.t.Errorf("nothing of a fleet was to be left %s within %v; it took %v: %v", when, within, took, err)
	}
	s.t.Logf("measured: nothing is left %s after %.1f s", when, took.Seconds())
}

// A namespace goes with all that is in it, and nothing is made in it again on the way.
func TestNamespaceIsDeletedWithItsGateway(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "leaving")
	s.apply("gateway", nil)
	s.waitProgrammed()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	if err := cluster.Client.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	s.waitNothingLeft("after the namespace was deleted", gatewayv1.GatewayNameLabelKey, leavesWithNamespace)
	// How long Kubernetes itself takes to notice is its own affair.
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := cluster.WaitGone(ctx, namespace.DeepCopy()); err != nil {
		t.Fatal(err)
	}
}
