package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/fleet/simulator"
)

const (
	classReal      = "fleet-real"
	classSimulated = "fleet-simulated"
	gatewayName    = "web"
	backendName    = "shop"
	backendPort    = 8080
	// writers is how many requests the bench has under way while it creates.
	writers = 16
)

func tenantName(i int) string { return fmt.Sprintf("tenant-%04d", i) }

// classes are those of Gateways with real pods and with simulated ones, and what
// answers behind all of them.
func (b *bench) classes(ctx context.Context) error {
	const class = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: %[1]s}
spec:
  controllerName: fleetgate.io/gateway-controller
  parametersRef: {group: fleetgate.io, kind: GatewayParameters, namespace: default, name: %[1]s}
---
apiVersion: fleetgate.io/v1alpha1
kind: GatewayParameters
metadata: {name: %[1]s, namespace: default}
spec:
  workload: {replicas: %[2]d}
`
	const elsewhere = `
  pod:
    nodeSelector: {%[1]s: "true"}
    tolerations: [{key: %[1]s, operator: Exists}]
`
	for _, manifest := range []string{
		fmt.Sprintf(class, classReal, b.opts.replicas),
		fmt.Sprintf(class, classSimulated, b.opts.replicas) + fmt.Sprintf(elsewhere, simulator.Label),
		backend,
	} {
		if _, err := b.Apply(ctx, []byte(manifest)); err != nil {
			return err
		}
	}
	if err := b.WaitDeployment(ctx, "default", "echo"); err != nil {
		return err
	}
	var pods corev1.PodList
	if err := b.Client.List(ctx, &pods, ctrlclient.InNamespace("default"), ctrlclient.MatchingLabels{"app": "echo"}); err != nil {
		return err
	}
	if len(pods.Items) == 0 || pods.Items[0].Status.PodIP == "" {
		return errors.New("the backend has no pod")
	}
	b.backend = pods.Items[0].Status.PodIP
	return nil
}

const backend = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo, namespace: default}
spec:
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      containers:
      - name: echo
        image: fleetgate.io/echo:v0.1.0
        args: [--listen=:8080, --name=fleet]
        readinessProbe:
          httpGet: {path: /readyz, port: 8080}
          periodSeconds: 1
`

// tenants makes the namespaces, each with a Service of its own that leads to the
// common backend. It is headless, so that kube-proxy has no work with it.
func (b *bench) tenants(ctx context.Context) error {
	return parallel(ctx, b.opts.gateways, func(ctx context.Context, i int) error { return b.tenant(ctx, tenantName(i)) })
}

func (b *bench) tenant(ctx context.Context, namespace string) error {
	ready, protocol, port := true, corev1.ProtocolTCP, int32(backendPort)
	portName := "http"
	return b.create(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: backendName},
			Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Ports: []corev1.ServicePort{{Name: portName, Port: port}}},
		},
		&discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: backendName,
				Labels: map[string]string{discoveryv1.LabelServiceName: backendName, discoveryv1.LabelManagedBy: "bench-fleet"}},
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{b.backend}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
			Ports:       []discoveryv1.EndpointPort{{Name: &portName, Port: &port, Protocol: &protocol}},
		})
}

// gateways creates all Gateways with their routes, and returns when the last one
// was there.
func (b *bench) gateways(ctx context.Context) (time.Time, error) {
	err := parallel(ctx, b.opts.gateways, func(ctx context.Context, i int) error {
		class := classSimulated
		if i < b.opts.real {
			class = classReal
		}
		return b.gateway(ctx, tenantName(i), class, b.opts.routes)
	})
	return time.Now(), err
}

func (b *bench) gateway(ctx context.Context, namespace, class string, routes int) error {
	objects := []ctrlclient.Object{&gatewayv1.Gateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: gatewayName},
		Spec: gatewayv1.GatewaySpec{
			GatewayClassName: gatewayv1.ObjectName(class),
			Listeners:        []gatewayv1.Listener{{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType}},
		},
	}}
	for i := range routes {
		objects = append(objects, route(namespace, i))
	}
	return b.create(ctx, objects...)
}

// route sends a path of its own to the backend, and marks its answers.
func route(namespace string, i int) *gatewayv1.HTTPRoute {
	path, prefix, port := "/"+strconv.Itoa(i), gatewayv1.PathMatchPathPrefix, gatewayv1.PortNumber(backendPort)
	return &gatewayv1.HTTPRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "route-" + strconv.Itoa(i)},
		Spec: gatewayv1.HTTPRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Name: gatewayName}}},
			Hostnames:       []gatewayv1.Hostname{"shop.example.com"},
			Rules: []gatewayv1.HTTPRouteRule{{
				Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: &prefix, Value: &path}}},
				Filters: []gatewayv1.HTTPRouteFilter{{
					Type: gatewayv1.HTTPRouteFilterResponseHeaderModifier,
					ResponseHeaderModifier: &gatewayv1.HTTPHeaderFilter{
						Set: []gatewayv1.HTTPHeader{{Name: markHeader, Value: "first"}},
					},
				}},
				BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{
					BackendObjectReference: gatewayv1.BackendObjectReference{Name: backendName, Port: &port},
				}}},
			}},
		},
	}
}

func (b *bench) create(ctx context.Context, objects ...ctrlclient.Object) error {
	for _, object := range objects {
		if err := b.Client.Create(ctx, object); err != nil {
			return fmt.Errorf("creating %T %s/%s: %w", object, object.GetNamespace(), object.GetName(), err)
		}
	}
	return nil
}

// parallel calls do for 0 to n-1, as many at a time as there are writers.
func parallel(ctx context.Context, n int, do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// programmed counts the Gateways that are Programmed for their newest
// generation, and have an address.
func programmed(object any) bool {
	gateway, is := object.(*gatewayv1.Gateway)
	return is && len(gateway.Status.Addresses) > 0 &&
		client.HasCondition(gateway.Status.Conditions, string(gatewayv1.GatewayConditionProgrammed), metav1.ConditionTrue, gateway.Generation) == nil
}
