package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"golang.org/x/sync/errgroup"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

//go:embed space.yaml
var spaceManifest string

// space is a namespace of one section, with a Gateway called web that takes
// routes from everywhere, and a backend called echo.
type space struct {
	*bench
	namespace string
	gateway   tenant.Gateway
	address   string
	pods      []corev1.Pod
	// more are further namespaces, which go with it.
	more []string
}

// space makes one that serves. The caller must call leave.
func (b *bench) space(ctx context.Context, name string) (*space, error) {
	s := &space{bench: b, namespace: "control-" + name}
	s.gateway = tenant.Gateway{Cluster: b.Cluster, Name: types.NamespacedName{Namespace: s.namespace, Name: "web"}}
	if err := b.waitQuiet(ctx); err != nil {
		return nil, err
	}
	if err := s.makeNamespace(ctx, s.namespace); err != nil {
		return nil, err
	}
	if _, err := b.Apply(ctx, []byte(strings.ReplaceAll(spaceManifest, "{{.}}", s.namespace))); err != nil {
		return nil, err
	}
	return s, s.waitServing(ctx)
}

// extend adds a further namespace of a name of its own.
func (s *space) extend(ctx context.Context, name string) (string, error) {
	name = s.namespace + "-" + name
	s.more = append(s.more, name)
	return name, s.makeNamespace(ctx, name)
}

func (s *space) makeNamespace(ctx context.Context, name string) error {
	return s.Cluster.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

func (s *space) waitServing(ctx context.Context) (err error) {
	for _, name := range []string{"echo", "web-fleetgate"} {
		if err := client.Poll(ctx, func(ctx context.Context) error { return s.WaitDeployment(ctx, s.namespace, name) }); err != nil {
			return err
		}
	}
	if s.address, err = s.gateway.WaitProgrammed(ctx); err != nil {
		return err
	}
	if err := s.waitConnected(ctx); err != nil {
		return err
	}
	s.pods, err = s.gateway.Pods(ctx)
	if err == nil && len(s.pods) == 0 {
		err = errors.New("the Gateway has no proxies")
	}
	return err
}

// waitConnected waits until the Gateway's address leads to its proxies, which is the node's
// to see to.
func (s *space) waitConnected(ctx context.Context) error {
	return client.Poll(ctx, func(ctx context.Context) error {
		_, _, err := get(ctx, s.HTTPClient(), s.address, "nobody.example.com", "/")
		return err
	})
}

// leave has the namespaces deleted, also when the section ran out of time.
func (s *space) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	for _, name := range append(s.more, s.namespace) {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := s.Cluster.Client.Delete(ctx, namespace); err != nil {
			fmt.Println("   not taken away:", err)
		}
	}
}

// waitQuiet waits until the namespaces of earlier sections are gone, as their end
// keeps the control plane busy.
func (b *bench) waitQuiet(ctx context.Context) error {
	return client.Poll(ctx, func(ctx context.Context) error {
		var namespaces corev1.NamespaceList
		if err := b.Cluster.Client.List(ctx, &namespaces); err != nil {
			return err
		}
		for _, n := range namespaces.Items {
			if n.DeletionTimestamp != nil {
				return fmt.Errorf("namespace %s is on its way out", n.Name)
			}
		}
		return nil
	})
}

// writers is how many writes to the API server are under way at a time.
const writers = 4

// each calls f for 0 to n-1, several at a time.
func each(ctx context.Context, n int, f func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return f(ctx, i) })
	}
	return group.Wait()
}

// route is one that leads a hostname of its own to a port of a Service.
func (s *space) route(namespace, name, host, service string, port int32) *gatewayv1.HTTPRoute {
	return &gatewayv1.HTTPRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: gatewayv1.HTTPRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{s.parent()}},
			Hostnames:       []gatewayv1.Hostname{gatewayv1.Hostname(host)},
			Rules:           []gatewayv1.HTTPRouteRule{rule("/", service, port)},
		},
	}
}

func (s *space) parent() gatewayv1.ParentReference {
	return gatewayv1.ParentReference{Namespace: new(gatewayv1.Namespace(s.namespace)), Name: "web"}
}

func rule(path, service string, port int32) gatewayv1.HTTPRouteRule {
	var ref gatewayv1.HTTPBackendRef
	ref.Name, ref.Port = gatewayv1.ObjectName(service), new(port)
	return gatewayv1.HTTPRouteRule{
		Matches:     []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: new(gatewayv1.PathMatchPathPrefix), Value: &path}}},
		BackendRefs: []gatewayv1.HTTPBackendRef{ref},
	}
}
