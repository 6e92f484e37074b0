package store

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// GatewaysFor returns the Gateways that the object touches, each once. It reads
// nothing of the object but its name and its references, so it works for one
// that was deleted. Who handles an update must ask for the old object and for
// the new one: a reference that was taken away matters as much.
//
// A Secret may come as a metav1.PartialObjectMetadata.
func GatewaysFor(ctx context.Context, r client.Reader, obj client.Object) ([]types.NamespacedName, error) {
	key := client.ObjectKeyFromObject(obj)
	switch obj := obj.(type) {
	case *gatewayv1.Gateway:
		return []types.NamespacedName{key}, nil
	case *gatewayv1.GatewayClass:
		return gatewaysBy(ctx, r, GatewayByClass, obj.Name)
	case *gatewayv1.HTTPRoute:
		return merge(ParentGateways(obj), ReportedGateways(obj)), nil
	case *corev1.Service:
		return routesGateways(ctx, r, client.MatchingFields{RouteByService: key.String()})
	case *discoveryv1.EndpointSlice:
		service, ok := serviceOf(obj)
		if !ok {
			return nil, nil
		}
		return routesGateways(ctx, r, client.MatchingFields{RouteByService: service.String()})
	case *gatewayv1.ReferenceGrant:
		return granted(ctx, r, obj.Namespace)
	case *corev1.Namespace:
		return inNamespace(ctx, r, obj.Name)
	case *corev1.Secret:
		return gatewaysBy(ctx, r, GatewayBySecret, key.String())
	case *metav1.PartialObjectMetadata:
		if obj.Kind == "Secret" {
			return gatewaysBy(ctx, r, GatewayBySecret, key.String())
		}
	}
	return nil, fmt.Errorf("a %T leads to no Gateway", obj)
}

// Detached returns the routes whose status has an entry of the controller for
// the Gateway although their spec does not name the Gateway any more. It works
// for a Gateway that no longer exists.
func Detached(ctx context.Context, r client.Reader, gateway types.NamespacedName, controllerName string) ([]*gatewayv1.HTTPRoute, error) {
	var list gatewayv1.HTTPRouteList
	if err := r.List(ctx, &list, client.MatchingFields{RouteByGateway: gateway.String()}); err != nil {
		return nil, fmt.Errorf("listing the routes of %s: %w", gateway, err)
	}
	var detached []*gatewayv1.HTTPRoute
	for i := range list.Items {
		route := &list.Items[i]
		if !slices.Contains(ParentGateways(route), gateway) && Reports(route, gateway, controllerName) {
			detached = append(detached, route)
		}
	}
	return detached, nil
}

// Reports says whether the route's status has an entry of the controller for
// the Gateway.
func Reports(route *gatewayv1.HTTPRoute, gateway types.NamespacedName, controllerName string) bool {
	return slices.ContainsFunc(route.Status.Parents, func(parent gatewayv1.RouteParentStatus) bool {
		key, ok := ParentGateway(route.Namespace, &parent.ParentRef)
		return ok && key == gateway && string(parent.ControllerName) == controllerName
	})
}

func gatewaysBy(ctx context.Context, r client.Reader, index, value string) ([]types.NamespacedName, error) {
	return gateways(ctx, r, client.MatchingFields{index: value})
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

func routesGateways(ctx context.Context, r client.Reader, opts ...client.ListOption) ([]types.NamespacedName, error) {
	var list gatewayv1.HTTPRouteList
	if err := r.List(ctx, &list, opts...); err != nil {
		return nil, fmt.Errorf("listing HTTPRoutes: %w", err)
	}
	var keys []types.NamespacedName
	for i := range list.Items {
		// Thousands of routes may share a Service, and mostly one Gateway.
		for _, key := range ParentGateways(&list.Items[i]) {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys, nil
}

// granted returns the Gateways that refer into the namespace from another one,
// themselves or by their routes.
func granted(ctx context.Context, r client.Reader, namespace string) ([]types.NamespacedName, error) {
	into := client.MatchingFields{ByForeignNamespace: namespace}
	byRoutes, err := routesGateways(ctx, r, into)
	if err != nil {
		return nil, err
	}
	own, err := gateways(ctx, r, into)
	return merge(byRoutes, own), err
}

// inNamespace returns the Gateways in the namespace and those of its routes.
func inNamespace(ctx context.Context, r client.Reader, namespace string) ([]types.NamespacedName, error) {
	byRoutes, err := routesGateways(ctx, r, client.InNamespace(namespace))
	if err != nil {
		return nil, err
	}
	own, err := gateways(ctx, r, client.InNamespace(namespace))
	return merge(byRoutes, own), err
}
