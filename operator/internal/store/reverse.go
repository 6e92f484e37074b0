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
// A Secret or a ConfigMap may come as a metav1.PartialObjectMetadata.
func GatewaysFor(ctx context.Context, r client.Reader, obj client.Object) ([]types.NamespacedName, error) {
	key := client.ObjectKeyFromObject(obj)
	if _, route := partsOf(obj); route {
		return merge(ParentGateways(obj), ReportedGateways(obj)), nil
	}
	switch obj := obj.(type) {
	case *gatewayv1.Gateway:
		return []types.NamespacedName{key}, nil
	case *gatewayv1.GatewayClass:
		return gatewaysBy(ctx, r, GatewayByClass, obj.Name)
	case *gatewayv1.BackendTLSPolicy:
		return policyGateways(ctx, r, obj)
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
	case *corev1.ConfigMap:
		return withAuthority(ctx, r, PolicyByConfigMap, key)
	case *corev1.Secret:
		return withSecret(ctx, r, key)
	case *metav1.PartialObjectMetadata:
		switch obj.Kind {
		case "Secret":
			return withSecret(ctx, r, key)
		case "ConfigMap":
			return withAuthority(ctx, r, PolicyByConfigMap, key)
		}
	}
	return nil, fmt.Errorf("a %T leads to no Gateway", obj)
}

// Detached returns the routes whose status has an entry of the controller for
// the Gateway although their spec does not name the Gateway any more. It works
// for a Gateway that no longer exists.
func Detached(ctx context.Context, r client.Reader, gateway types.NamespacedName, controllerName string) ([]Route, error) {
	reported, err := Reporting(ctx, r, gateway, controllerName)
	return slices.DeleteFunc(reported, func(route Route) bool {
		return slices.Contains(ParentGateways(route), gateway)
	}), err
}

// Reporting returns the routes whose status has an entry of the controller for
// the Gateway.
func Reporting(ctx context.Context, r client.Reader, gateway types.NamespacedName, controllerName string) ([]Route, error) {
	var found []Route
	err := eachRoute(ctx, r, func(route Route) {
		if slices.ContainsFunc(StatusOf(route).Parents, func(parent gatewayv1.RouteParentStatus) bool {
			key, ok := ParentGateway(route.GetNamespace(), &parent.ParentRef)
			return ok && key == gateway && string(parent.ControllerName) == controllerName
		}) {
			found = append(found, route)
		}
	}, client.MatchingFields{RouteByGateway: gateway.String()})
	return found, err
}

// eachRoute visits the routes of all kinds that a list has.
func eachRoute(ctx context.Context, r client.Reader, visit func(Route), opts ...client.ListOption) error {
	for _, kind := range RouteKinds() {
		list := kind.NewList()
		if err := r.List(ctx, list, opts...); err != nil {
			return fmt.Errorf("listing %ss: %w", kind.Name, err)
		}
		each(list, visit)
	}
	return nil
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
	var keys []types.NamespacedName
	err := eachRoute(ctx, r, func(route Route) {
		// Thousands of routes may share a Service, and mostly one Gateway.
		for _, key := range ParentGateways(route) {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}, opts...)
	return keys, err
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
