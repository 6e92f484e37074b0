package store

import (
	"context"
	"fmt"
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1alpha1 "k8s.io/api/certificates/v1alpha1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// GatewaysFor returns the Gateways that the object touches, each once. It reads
// nothing of the object but its name and its references, so it works for one
// that was deleted. Who handles an update must ask for the old object and for
// the new one: a reference that was taken away matters as much.
//
// A Secret or a ConfigMap may come as a metav1.PartialObjectMetadata.
func GatewaysFor(ctx context.Context, r client.Reader, obj client.Object) ([]types.NamespacedName, error) {
	key := client.ObjectKeyFromObject(obj)
	if _, route := partsOf(obj); route {
		parents, err := parentGateways(obj, claimingGateways(ctx, r))
		if err != nil {
			return nil, err
		}
		return throughListenerSets(ctx, r, merge(parents, ReportedGateways(obj)),
			merge(ParentListenerSets(obj), ReportedListenerSets(obj)))
	}
	if backend, is := obj.(*gatewayxv1alpha1.XBackend); is {
		return xbackendGateways(ctx, r, backend)
	}
	if _, policy := policyPartsOf(obj); policy {
		return policyGateways(ctx, r, obj)
	}
	switch obj := obj.(type) {
	case *gatewayv1.Gateway:
		return []types.NamespacedName{key}, nil
	case *gatewayv1.GatewayClass:
		return gateways(ctx, r, client.MatchingFields{GatewayByClass: obj.Name})
	case *v1alpha1.GatewayParameters:
		return withParameters(ctx, r, key)
	case *gatewayv1.ListenerSet:
		if gateway, ok := GatewayOf(obj); ok {
			return []types.NamespacedName{gateway}, nil
		}
		return nil, nil
	case *corev1.Service:
		senders, err := withService(ctx, r, key)
		if err != nil {
			return nil, err
		}
		selecting, err := selectorGateways(ctx, r, obj)
		return merge(senders, selecting), err
	case *discoveryv1.EndpointSlice:
		return sliceGateways(ctx, r, obj)
	case *gatewayv1.ReferenceGrant:
		return grantGateways(ctx, r, obj.Namespace)
	case *corev1.Namespace:
		return anyGateways(ctx, r, client.InNamespace(obj.Name))
	case *corev1.ConfigMap:
		return withConfigMap(ctx, r, key)
	case *certificatesv1.ClusterTrustBundle, *certificatesv1beta1.ClusterTrustBundle, *certificatesv1alpha1.ClusterTrustBundle:
		return withTrustBundle(ctx, r, key.Name)
	case *corev1.Secret:
		return withSecret(ctx, r, key)
	case *metav1.PartialObjectMetadata:
		switch obj.Kind {
		case "Secret":
			return withSecret(ctx, r, key)
		case "ConfigMap":
			return withConfigMap(ctx, r, key)
		}
	}
	return nil, fmt.Errorf("a %T leads to no Gateway", obj)
}

// throughListenerSets returns the Gateways followed by those that the
// ListenerSets name.
func throughListenerSets(ctx context.Context, r client.Reader, keys, sets []types.NamespacedName) ([]types.NamespacedName, error) {
	for _, name := range sets {
		set, err := get(ctx, r, name, &gatewayv1.ListenerSet{})
		if err != nil {
			return nil, err
		}
		if set == nil {
			continue
		}
		if gateway, ok := GatewayOf(set); ok && !slices.Contains(keys, gateway) {
			keys = append(keys, gateway)
		}
	}
	return keys, nil
}

// Reporting returns the routes whose status has an entry of the controller for
// the Gateway.
func Reporting(ctx context.Context, r client.Reader, gateway types.NamespacedName, controllerName string) ([]Route, error) {
	return reporting(ctx, r, client.MatchingFields{RouteByGateway: gateway.String()}, reportsFor(gateway, controllerName))
}

// reportsFor tells the routes whose status has an entry of the controller for the
// Gateway.
func reportsFor(gateway types.NamespacedName, controllerName string) func(Route) bool {
	return reportsBy(controllerName, gateway, ParentGateway)
}

// reportsBy tells the routes whose status has an entry of the controller for a
// parent of some kind.
func reportsBy(controllerName string, parent types.NamespacedName, read readParent) func(Route) bool {
	return func(route Route) bool {
		parents, namespace := StatusOf(route).Parents, route.GetNamespace()
		for i := range parents {
			key, ok := read(namespace, &parents[i].ParentRef)
			if ok && key == parent && string(parents[i].ControllerName) == controllerName {
				return true
			}
		}
		return false
	}
}

// ReportingListenerSet is Reporting for a ListenerSet. It works for one that no
// longer exists.
func ReportingListenerSet(ctx context.Context, r client.Reader, set types.NamespacedName, controllerName string) ([]Route, error) {
	return reporting(ctx, r, client.MatchingFields{RouteByListenerSet: set.String()}, reportsBy(controllerName, set, ParentListenerSet))
}

func reporting(ctx context.Context, r client.Reader, by client.ListOption, ours func(Route) bool) ([]Route, error) {
	var found []Route
	err := eachRoute(ctx, r, func(route Route) error {
		if ours(route) {
			found = append(found, route)
		}
		return nil
	}, by)
	return found, err
}

// eachRoute visits the routes of all kinds that a list has.
func eachRoute(ctx context.Context, r client.Reader, visit func(Route) error, opts ...client.ListOption) error {
	for _, kind := range RouteKinds() {
		list := kind.NewList()
		err := r.List(ctx, list, opts...)
		if err != nil {
			return fmt.Errorf("listing %ss: %w", kind.Name, err)
		}
		each(list, func(route Route) {
			if err == nil {
				err = visit(route)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func gateways(ctx context.Context, r client.Reader, opts ...client.ListOption) ([]types.NamespacedName, error) {
	var list gatewayv1.GatewayList
	if err := r.List(ctx, &list, opts...); err != nil {
		return nil, fmt.Errorf("listing Gateways: %w", err)
	}
	keys := make([]types.NamespacedName, len(list.Items))
	for i := range list.Items {
		keys[i] = client.ObjectKeyFromObject(&list.Items[i])
	}
	return keys, nil
}

func listenerSetsGateways(ctx context.Context, r client.Reader, opts ...client.ListOption) ([]types.NamespacedName, error) {
	var list gatewayv1.ListenerSetList
	if err := r.List(ctx, &list, opts...); err != nil {
		return nil, fmt.Errorf("listing ListenerSets: %w", err)
	}
	var keys []types.NamespacedName
	for i := range list.Items {
		if key, ok := GatewayOf(&list.Items[i]); ok && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func routesGateways(ctx context.Context, r client.Reader, opts ...client.ListOption) ([]types.NamespacedName, error) {
	var keys []types.NamespacedName
	claiming := claimingGateways(ctx, r)
	err := eachRoute(ctx, r, func(route Route) error {
		parents, err := parentGateways(route, claiming)
		if err != nil {
			return err
		}
		of, err := throughListenerSets(ctx, r, parents, ParentListenerSets(route))
		// Thousands of routes may share a Service, and mostly one Gateway.
		for _, key := range of {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		return err
	}, opts...)
	return keys, err
}

// withFilters returns the Gateways with a listener, or a ListenerSet's, whose
// filters ask what the index finds.
func withFilters(ctx context.Context, r client.Reader, by client.MatchingFields) ([]types.NamespacedName, error) {
	bySets, err := listenerSetsGateways(ctx, r, by)
	if err != nil {
		return nil, err
	}
	own, err := gateways(ctx, r, by)
	return merge(bySets, own), err
}

// withService returns the Gateways that send something to the Service: requests of
// their routes, questions of their listeners' filters, or spans.
func withService(ctx context.Context, r client.Reader, service types.NamespacedName) ([]types.NamespacedName, error) {
	byRoutes, err := routesGateways(ctx, r, client.MatchingFields{RouteByService: service.String()})
	if err != nil {
		return nil, err
	}
	byFilters, err := withFilters(ctx, r, client.MatchingFields{GatewayByService: service.String()})
	if err != nil {
		return nil, err
	}
	traced, err := telemetryGateways(ctx, r, client.MatchingFields{PolicyByCollector: service.String()})
	return merge(merge(byRoutes, byFilters), traced), err
}

// grantGateways returns the Gateways that, with their routes, ListenerSets,
// XBackends or telemetry policies, refer into a namespace from others.
func grantGateways(ctx context.Context, r client.Reader, namespace string) ([]types.NamespacedName, error) {
	by := client.MatchingFields{ByForeignNamespace: namespace}
	keys, err := anyGateways(ctx, r, by)
	if err != nil {
		return nil, err
	}
	byBackends, err := xbackendsGateways(ctx, r, by)
	if err != nil {
		return nil, err
	}
	traced, err := telemetryGateways(ctx, r, by)
	return merge(merge(keys, byBackends), traced), err
}

// anyGateways returns the Gateways that are listed themselves, by one of their
// routes, or by one of their ListenerSets.
func anyGateways(ctx context.Context, r client.Reader, opts ...client.ListOption) ([]types.NamespacedName, error) {
	byRoutes, err := routesGateways(ctx, r, opts...)
	if err != nil {
		return nil, err
	}
	bySets, err := listenerSetsGateways(ctx, r, opts...)
	if err != nil {
		return nil, err
	}
	own, err := gateways(ctx, r, opts...)
	return merge(merge(byRoutes, bySets), own), err
}

// withSecret returns the Gateways that name the Secret, by one of their
// ListenerSets or by a policy too.
func withSecret(ctx context.Context, r client.Reader, secret types.NamespacedName) ([]types.NamespacedName, error) {
	by := client.MatchingFields{GatewayBySecret: secret.String()}
	own, err := gateways(ctx, r, by)
	if err != nil {
		return nil, err
	}
	bySets, err := listenerSetsGateways(ctx, r, by)
	if err != nil {
		return nil, err
	}
	byPolicies, err := withAuthority(ctx, r, PolicyBySecret, secret)
	if err != nil {
		return nil, err
	}
	byBackends, err := xbackendsGateways(ctx, r, client.MatchingFields{PolicyBySecret: secret.String()})
	return merge(merge(merge(own, bySets), byPolicies), byBackends), err
}

// withConfigMap returns the Gateways that name the ConfigMap, or that a policy
// touches which does.
func withConfigMap(ctx context.Context, r client.Reader, configMap types.NamespacedName) ([]types.NamespacedName, error) {
	own, err := gateways(ctx, r, client.MatchingFields{GatewayByConfigMap: configMap.String()})
	if err != nil {
		return nil, err
	}
	byPolicies, err := withAuthority(ctx, r, PolicyByConfigMap, configMap)
	if err != nil {
		return nil, err
	}
	byBackends, err := xbackendsGateways(ctx, r, client.MatchingFields{PolicyByConfigMap: configMap.String()})
	return merge(merge(own, byPolicies), byBackends), err
}
