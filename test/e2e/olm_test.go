package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/stack"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// subscription is what the bundle's version is in the cluster, as if OLM had
// installed it.
type subscription struct {
	t         *testing.T
	namespace string
	csv       olm.ClusterServiceVersion
}

// Each install mode serves the namespaces that it selects, with the rights that the
// bundle asks for and no others, and leaves those outside alone. Then comes a version
// that has changed the contract between operator and proxies, and this one again; what
// they leave each other they can make nothing of, and serve what they have until it is
// replaced. In the end the operator is removed. No request is lost.
func TestBundleInEachInstallMode(t *testing.T) {
	useNext := buildVariant(t, nextSchema, nextPrograms...)
	scaleOperator(t.Context(), t, 0)
	s := subscribe(t)
	demo := [2]*tenantSpace{demoTenant(t, "tenant-a"), demoTenant(t, "tenant-b")}
	other := newTenant(t, "olm-other")
	other.apply("gateway", nil)
	own := &tenantSpace{t: t, namespace: s.namespace, gateway: gatewayIn(s.namespace)}
	own.apply("gateway", nil)

	s.install(s.namespace)
	own.waitProgrammed()
	s.install("tenant-a")
	demo[0].waitProgrammed()
	demo[1].wantUnseen()
	s.install("tenant-a", "tenant-b")
	demo[1].waitProgrammed()
	other.wantUnseen()
	for _, d := range demo {
		d.wantSplit()
	}

	useNext()
	run := demo[0].load(demoHost, load.Options{})
	this := s.use(next)
	for _, v := range []version{next, this} {
		s.use(v)
		s.install()
		other.waitProgrammed()
		demo[0].waitProxies(v.proxy)
		demo[0].wantRouted(v.proxy)
	}
	s.remove()
	wantNoneFailed(t, run, run.Sent()+2_000)
}

// subscribe makes the namespace that the bundle suggests, under another name, and
// applies the bundle's plain manifests.
func subscribe(t *testing.T) *subscription {
	t.Helper()
	s := &subscription{t: t, namespace: "e2e-olm"}
	if err := yaml.UnmarshalStrict(repositoryFile(t, "bundle", "manifests", "fleetgate.clusterserviceversion.yaml"), &s.csv); err != nil {
		t.Fatal(err)
	}
	var namespace corev1.Namespace
	if err := json.Unmarshal([]byte(s.csv.Metadata.Annotations["operatorframework.io/suggested-namespace-template"]), &namespace); err != nil {
		t.Fatal(err)
	}
	namespace.Name = s.namespace
	wait(t, func(ctx context.Context) error { return cluster.Client.Create(ctx, namespace.DeepCopy()) })
	t.Cleanup(func() { s.remove() })
	for _, kind := range []string{"service", "clusterrole"} {
		files, err := filepath.Glob(filepath.Join(cluster.Root, "bundle", "manifests", "*_"+kind+".yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", kind, files, err)
		}
		s.kubectl("apply", "--server-side", "--force-conflicts", "-n", s.namespace, "-f", strings.Join(files, ","))
	}
	s.kubectl("apply", "--server-side", "--force-conflicts", "-f", filepath.Join(cluster.Root, "bundle", "manifests", "fleetgate.io_gatewayparameters.yaml"))
	return s
}

func (s *subscription) kubectl(args ...string) {
	s.t.Helper()
	if _, err := cluster.Kubectl(s.t.Context(), args...); err != nil {
		s.t.Fatal(err)
	}
}

// install has the operator serve these namespaces, or all.
func (s *subscription) install(targets ...string) {
	s.t.Helper()
	var manifest []string
	for _, o := range s.csv.Objects(olm.Installation{Namespace: s.namespace, Targets: targets}) {
		content, err := yaml.Marshal(o)
		if err != nil {
			s.t.Fatal(err)
		}
		manifest = append(manifest, string(content))
	}
	if _, err := cluster.Apply(s.t.Context(), []byte(strings.Join(manifest, "---\n"))); err != nil {
		s.t.Fatal(err)
	}
	wait(s.t, func(ctx context.Context) error { return cluster.WaitDeployment(ctx, s.namespace, stack.Operator) })
}

// remove takes away all that install has made. Doing so again does nothing.
func (s *subscription) remove() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name := s.csv.Metadata.Name
	_, err := cluster.Kubectl(ctx, "delete", "--ignore-not-found", "clusterrole,clusterrolebinding", name, name+"-all")
	if err == nil {
		_, err = cluster.Kubectl(ctx, "delete", "--ignore-not-found", "--wait=false", "namespace", s.namespace)
	}
	if err == nil {
		_, err = cluster.Kubectl(ctx, "wait", "--for=delete", "pod", "-n", s.namespace, "-l", "control-plane=controller-manager", "--timeout=60s")
	}
	if err != nil {
		s.t.Errorf("removing the operator: %v", err)
	}
}

// waitProxies waits until both of the Gateway's proxies are of an image, and those of
// another on their way out.
func (s *tenantSpace) waitProxies(image string) {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		pods, err := s.gateway.Pods(ctx)
		if err != nil {
			return err
		}
		if len(pods) != 2 {
			return fmt.Errorf("%d proxies run", len(pods))
		}
		for _, pod := range pods {
			if pod.Spec.Containers[0].Image != image {
				return fmt.Errorf("%s runs %s", pod.Name, pod.Spec.Containers[0].Image)
			}
		}
		return nil
	})
}

// demoHost is what both of the demo's tenants serve.
const demoHost = "shop.example.com"

func gatewayIn(namespace string) tenant.Gateway {
	return tenant.Gateway{Cluster: cluster.Cluster, Name: types.NamespacedName{Namespace: namespace, Name: "web"}}
}

// demoTenant applies one of the demo's tenants.
func demoTenant(t *testing.T, name string) *tenantSpace {
	t.Helper()
	s := &tenantSpace{t: t, namespace: name, gateway: gatewayIn(name)}
	t.Cleanup(func() {
		if t.Failed() {
			s.dump()
		}
		object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := cluster.Client.Delete(context.Background(), object); err != nil {
			t.Error(err)
		}
	})
	wait(t, func(ctx context.Context) error {
		return cluster.ApplyFiles(ctx, filepath.Join(cluster.Root, "config", "samples", "demo", name+".yaml"))
	})
	for _, backend := range []string{"shop-v1", "shop-v2"} {
		s.waitBackend(backend)
	}
	return s
}

// wantUnseen asserts that nobody has taken notice of the Gateway.
func (s *tenantSpace) wantUnseen() {
	s.t.Helper()
	object := &gatewayv1.Gateway{}
	if err := cluster.Client.Get(s.t.Context(), s.gateway.Name, object); err != nil {
		s.t.Fatal(err)
	}
	for _, c := range object.Status.Conditions {
		if c.ObservedGeneration != 0 {
			s.t.Errorf("the Gateway of %s has the condition %s=%s %s", s.namespace, c.Type, c.Status, c.Reason)
		}
	}
	out, err := cluster.Kubectl(s.t.Context(), "get", fleetKinds, "-n", s.namespace, "-o", "name", "-l", gatewayv1.GatewayNameLabelKey)
	if err != nil || len(out) > 0 {
		s.t.Errorf("%s has %s, %v", s.namespace, out, err)
	}
}

// wantRouted has a route be changed and asserts that it takes effect.
func (s *tenantSpace) wantRouted(mark string) {
	s.t.Helper()
	mark = mark[strings.LastIndexAny(mark, ":")+1:]
	s.route("routed", "routed.example.com", mark, "shop-v1")
	s.waitFor("routed.example.com", "/", answer{Status: http.StatusOK, Mark: mark, Name: s.namespace, Version: "v1"})
}

// wantSplit sends the demo's traffic: nine of ten requests go to version 1.
func (s *tenantSpace) wantSplit() {
	s.t.Helper()
	wait(s.t, func(ctx context.Context) error {
		got, err := s.get(ctx, cluster.HTTPClient(), demoHost, "/")
		if err == nil && got.Status != http.StatusOK {
			err = errors.New(http.StatusText(got.Status))
		}
		return err
	})
	result := s.load(demoHost, load.Options{Max: 1000, Classify: func(_ *http.Response, body []byte) string {
		var got answer
		if json.Unmarshal(body, &got) != nil || got.Name != s.namespace {
			return "of another tenant"
		}
		return got.Version
	}}).Wait()
	// 1,000 draws of one in ten lie between these but for one run in billions.
	if v2 := result.Classes["v2"]; result.Failed > 0 || result.Classes["v1"]+v2 != 1000 || v2 < 40 || v2 > 170 {
		s.t.Errorf("%s: %v, %v", s.namespace, result, result.Classes)
	}
}
