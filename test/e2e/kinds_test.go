package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// everyKind has a way through the Gateway by each of the kinds that are removed.
const everyKind = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: web
  namespace: {{.Namespace}}
spec:
  gatewayClassName: fleetgate
  allowedListeners: {namespaces: {from: Same}}
  listeners:
  - {name: http, protocol: HTTP, port: 80}
  - {name: tcp, protocol: TCP, port: 9000}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata:
  name: more
  namespace: {{.Namespace}}
spec:
  parentRef: {name: web}
  listeners:
  - {name: more, protocol: HTTP, port: 8081}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: away
  namespace: {{.Namespace}}
spec:
  parentRefs:
  - {name: web}
  - {group: gateway.networking.k8s.io, kind: ListenerSet, name: more}
  hostnames: [away.example.com]
  rules:
  - backendRefs: [{name: shop, namespace: {{.Namespace}}-backends, port: 8080}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata:
  name: bytes
  namespace: {{.Namespace}}
spec:
  parentRefs: [{name: web, sectionName: tcp}]
  rules:
  - backendRefs: [{name: shop, namespace: {{.Namespace}}-backends, port: 8080}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata:
  name: shop
  namespace: {{.Namespace}}-backends
spec:
  from:
  - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: {{.Namespace}}}
  - {group: gateway.networking.k8s.io, kind: TCPRoute, namespace: {{.Namespace}}}
  to: [{group: "", kind: Service}]
`

// A CRD that goes takes its feature along and nothing else, and one that comes
// brings it, while the operator runs on.
func TestKindsComeAndGoWhileTheOperatorRuns(t *testing.T) {
	s, backends := newTenant(t, "kinds"), newTenant(t, "kinds-backends")
	backends.apply("backend", map[string]any{"Name": "shop", "Replicas": 1})
	s.applyText(everyKind, nil)
	backends.waitBackend("shop")
	s.waitProgrammed()

	before := operatorPods(t)
	for _, kind := range []struct {
		name, crd string
		// lost are the ports whose routes need the kind, kept is one that does not.
		lost []string
		kept string
	}{
		{"TCPRoute", "tcproutes", []string{":9000"}, ":80"},
		{"ListenerSet", "listenersets", []string{":8081"}, ":80"},
		{"HTTPRoute", "httproutes", []string{":80", ":8081"}, ":9000"},
		{"ReferenceGrant", "referencegrants", []string{":80", ":8081", ":9000"}, ""},
	} {
		t.Run(kind.name, func(t *testing.T) {
			for _, port := range []string{":80", ":8081", ":9000"} {
				s.waitServes(t, port, true)
			}
			waitFeature(t, kind.name, true)
			kept := s.keeps(t, kind.kept)
			restore := removeCRD(t, kind.crd+"."+gatewayv1.GroupName)
			waitFeature(t, kind.name, false)
			for _, port := range kind.lost {
				s.waitServes(t, port, false)
			}
			restore()
			waitFeature(t, kind.name, true)
			for _, port := range kind.lost {
				s.waitServes(t, port, true)
			}
			kept()
		})
	}
	if after := operatorPods(t); !slices.Equal(before, after) {
		t.Errorf("the operator's pods are %v, want %v still", after, before)
	}
}

// waitServes waits until the route on a port answers, on all proxies, or until
// none does. Who asks at a port that is gone may get no answer at all.
func (s *tenantSpace) waitServes(t *testing.T, port string, want bool) {
	t.Helper()
	http1, times := newConnections(), settle
	if !want {
		http1.Timeout, times = time.Second, 10
	}
	wait(t, func(ctx context.Context) error {
		for range times {
			r, err := s.ask(ctx, http1, question{host: "away.example.com", port: port})
			if served := err == nil && r.Status == http.StatusOK; served != want {
				return fmt.Errorf("port %s answers %d (%v), want served: %t", port, r.Status, err, want)
			}
		}
		return nil
	})
}

// keeps has a port asked until the function that it returns is called, which fails
// the test for every request that failed.
func (s *tenantSpace) keeps(t *testing.T, port string) func() {
	t.Helper()
	if port == "" {
		return func() {}
	}
	run := load.Start(t.Context(), load.Options{
		Client: newConnections(), URL: "http://" + s.address + port + "/", Host: "away.example.com", Workers: 2, Pace: 10 * time.Millisecond,
	})
	return func() { wantNoneFailed(t, run, 100) }
}

// waitFeature waits until the GatewayClass says that a kind is supported, or that
// nothing of it is.
func waitFeature(t *testing.T, name string, want bool) {
	t.Helper()
	wait(t, func(ctx context.Context) error {
		class := &gatewayv1.GatewayClass{}
		if err := cluster.Client.Get(ctx, ctrlclient.ObjectKey{Name: stack.GatewayClass}, class); err != nil {
			return err
		}
		got := slices.ContainsFunc(class.Status.SupportedFeatures, func(f gatewayv1.SupportedFeature) bool {
			return strings.HasPrefix(string(f.Name), name)
		})
		if got != want {
			return fmt.Errorf("feature %s is supported: %t, want %t", name, got, want)
		}
		return nil
	})
}

// operatorPods are the operator's pods, each with how often it was restarted.
func operatorPods(t *testing.T) []string {
	t.Helper()
	var pods corev1.PodList
	err := cluster.Client.List(t.Context(), &pods, ctrlclient.InNamespace(stack.Namespace),
		ctrlclient.MatchingLabels{"control-plane": "controller-manager"})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, pod := range pods.Items {
		for _, container := range pod.Status.ContainerStatuses {
			list = append(list, fmt.Sprintf("%s %d", pod.UID, container.RestartCount))
		}
	}
	slices.Sort(list)
	return list
}

// removeCRD deletes a CRD with all objects of its kind. What it returns brings
// everything back, and is called when the test ends at the latest.
func removeCRD(t *testing.T, name string) func() {
	t.Helper()
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	if err := cluster.Client.Get(t.Context(), ctrlclient.ObjectKey{Name: name}, crd); err != nil {
		t.Fatal(err)
	}
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "listKind")
	objects := &unstructured.UnstructuredList{}
	objects.SetGroupVersionKind(gatewayv1.SchemeGroupVersion.WithKind(kind))
	if err := cluster.Client.List(t.Context(), objects); err != nil {
		t.Fatal(err)
	}
	restore := sync.OnceFunc(func() { restore(t, crd.DeepCopy(), objects) })
	t.Cleanup(restore)
	if err := cluster.Client.Delete(t.Context(), crd); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := cluster.WaitGone(ctx, crd.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	return restore
}

// restore applies the CRD as kubectl did, which is to own it, and makes the objects
// once their kind is served.
func restore(t *testing.T, crd *unstructured.Unstructured, objects *unstructured.UnstructuredList) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	bare := &unstructured.Unstructured{Object: map[string]any{"spec": crd.Object["spec"]}}
	bare.SetGroupVersionKind(crd.GroupVersionKind())
	bare.SetName(crd.GetName())
	bare.SetAnnotations(crd.GetAnnotations())
	if err := cluster.Client.Apply(ctx, ctrlclient.ApplyConfigurationFromUnstructured(bare), ctrlclient.FieldOwner("kubectl")); err != nil {
		t.Errorf("bringing back %s: %v", crd.GetName(), err)
	}
	for i := range objects.Items {
		object := &objects.Items[i]
		object.SetResourceVersion("")
		err := client.Poll(ctx, func(ctx context.Context) error {
			err := cluster.Client.Create(ctx, object)
			if leaving(ctx, object.GetNamespace()) {
				return nil
			}
			return err
		})
		if err != nil {
			t.Errorf("bringing back %s: %v", object.GetName(), err)
		}
	}
}

// With the CRDs of the standard channel alone the operator starts and serves, and
// claims nothing that they have no field for.
func TestStandardChannelServesAlone(t *testing.T) {
	s := serving(t, "standard", "shop")
	t.Cleanup(func() { installExperimental(t) })
	installStandard(t)
	if _, err := cluster.Kubectl(t.Context(), "rollout", "restart", "deployment/"+stack.Operator, "-n", stack.Namespace); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := cluster.WaitDeployment(ctx, stack.Namespace, stack.Operator); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"HTTPRoute": true, "UDPRoute": true, "ListenerSet": true, "BackendTLSPolicy": true, "GatewayStaticAddresses": true,
		"GatewayListenerFilters": false, "GatewayAddressRoutability": false,
	} {
		waitFeature(t, name, want)
	}
	s.route("shop", "shop.example.com", "standard", "shop")
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "standard", Name: s.namespace, Version: "shop"})
	s.waitProgrammed()
}

// installStandard replaces the CRDs by those of the standard channel, as its users
// have them.
func installStandard(t *testing.T) {
	t.Helper()
	var crds apiextensionsv1.CustomResourceDefinitionList
	if err := cluster.Client.List(t.Context(), &crds); err != nil {
		t.Fatal(err)
	}
	for i := range crds.Items {
		if crds.Items[i].Spec.Group != gatewayxv1alpha1.GroupName {
			continue
		}
		if err := cluster.Client.Delete(t.Context(), &crds.Items[i]); err != nil {
			t.Fatal(err)
		}
		if err := cluster.WaitGone(t.Context(), &crds.Items[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := cluster.InstallCRDs(t.Context(), "standard"); err != nil {
		t.Fatal(err)
	}
}

// installExperimental brings the cluster's CRDs back. The policy that comes with
// them refuses that as long as it is there, and a moment longer.
func installExperimental(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := cluster.Kubectl(ctx, "delete", "--ignore-not-found", "validatingadmissionpolicybinding,validatingadmissionpolicy",
		"safe-upgrades."+gatewayv1.GroupName)
	if err == nil {
		err = client.Poll(ctx, func(ctx context.Context) error {
			_, err := cluster.Kubectl(ctx, "annotate", "--dry-run=server", "--overwrite", "crd", "gateways."+gatewayv1.GroupName,
				consts.ChannelAnnotation+"=experimental")
			return err
		})
	}
	if err == nil {
		err = cluster.InstallCRDs(ctx, "experimental")
	}
	if err != nil {
		t.Errorf("bringing back the experimental channel: %v", err)
	}
}

// leaving says whether a namespace is gone, or about to go: that of a test before.
func leaving(ctx context.Context, name string) bool {
	namespace := &corev1.Namespace{}
	err := cluster.Client.Get(ctx, ctrlclient.ObjectKey{Name: name}, namespace)
	return apierrors.IsNotFound(err) || err == nil && namespace.DeletionTimestamp != nil
}
