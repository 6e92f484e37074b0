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
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// KindXBackend is the kind of backends of the Gateway API's own (GEP-4894).
const KindXBackend = "XBackend"

// The names of the indexes that XBackends need beside those of policies.
const (
	// RouteByXBackend finds routes by an XBackend that they send requests to.
	RouteByXBackend = "fleetgate.xbackend"
	// SliceByXBackend finds EndpointSlices by what their label names.XBackend says,
	// of an XBackend in the same namespace.
	SliceByXBackend = "fleetgate.xbackend"
)

// XBackends returns the XBackends that the route's rules may lead to, each once:
// those of its own namespace (GEP-4894, Route Attachment and Consumer Overrides).
func XBackends(route Route) []types.NamespacedName {
	return within(route.GetNamespace(), backendsOf(route, gatewayxv1alpha1.GroupName, KindXBackend))
}

// within are the keys of a namespace.
func within(namespace string, keys []types.NamespacedName) []types.NamespacedName {
	return slices.DeleteFunc(keys, func(key types.NamespacedName) bool { return key.Namespace != namespace })
}

func xbackendIndexes() []Index {
	index := func(name string, of func(*gatewayxv1alpha1.XBackend) []string) Index {
		return Index{&gatewayxv1alpha1.XBackend{}, name, func(obj client.Object) []string { return of(obj.(*gatewayxv1alpha1.XBackend)) }}
	}
	return []Index{
		index(PolicyByGateway, func(b *gatewayxv1alpha1.XBackend) []string { return values(AncestorGateways(b)) }),
		index(PolicyByConfigMap, func(b *gatewayxv1alpha1.XBackend) []string { return values(validatedBy(b, PolicyConfigMaps)) }),
		index(PolicyBySecret, func(b *gatewayxv1alpha1.XBackend) []string {
			return values(merge(xbackendClientCertificate(b), validatedBy(b, PolicySecrets)))
		}),
		index(PolicyByTrustBundle, func(b *gatewayxv1alpha1.XBackend) []string { return values(validatedBy(b, PolicyTrustBundles)) }),
		index(ByForeignNamespace, func(b *gatewayxv1alpha1.XBackend) []string {
			return foreign(b.Namespace, xbackendClientCertificate(b))
		}),
		{&discoveryv1.EndpointSlice{}, SliceByXBackend, func(obj client.Object) []string {
			if label := obj.GetLabels()[names.LabelXBackend]; label != "" {
				return []string{label}
			}
			return nil
		}},
	}
}

// ValidationPolicy returns what an XBackend says of the certificates of its
// endpoints in the form of a BackendTLSPolicy, whose type it shares, or nil.
func ValidationPolicy(backend *gatewayxv1alpha1.XBackend) *gatewayv1.BackendTLSPolicy {
	tls := backend.Spec.TLS
	if tls == nil || tls.Validation == nil {
		return nil
	}
	policy := &gatewayv1.BackendTLSPolicy{}
	policy.Namespace, policy.Name, policy.Generation = backend.Namespace, backend.Name, backend.Generation
	policy.Spec.Validation = *tls.Validation
	return policy
}

// validatedBy are the objects of a kind by which the endpoints of an XBackend are
// validated.
func validatedBy(backend *gatewayxv1alpha1.XBackend, refs func(*gatewayv1.BackendTLSPolicy) []types.NamespacedName) []types.NamespacedName {
	if policy := ValidationPolicy(backend); policy != nil {
		return refs(policy)
	}
	return nil
}

func xbackendClientCertificate(backend *gatewayxv1alpha1.XBackend) []types.NamespacedName {
	if backend.Spec.TLS == nil || backend.Spec.TLS.ClientCertificateRef == nil {
		return nil
	}
	ref := backend.Spec.TLS.ClientCertificateRef
	if !is(ref.Group, "") || !is(ref.Kind, "Secret") {
		return nil
	}
	return []types.NamespacedName{{Namespace: or(ref.Namespace, backend.Namespace), Name: string(ref.Name)}}
}

func xbackendAncestors(backend *gatewayxv1alpha1.XBackend) []gatewayv1.PolicyAncestorStatus {
	var out []gatewayv1.PolicyAncestorStatus
	for _, entry := range backend.Status.Ancestors {
		out = append(out, gatewayv1.PolicyAncestorStatus{
			AncestorRef: entry.AncestorRef, ControllerName: entry.ControllerName, Conditions: entry.Conditions,
		})
	}
	return out
}

// xbackends finds the XBackends that routes, listeners and telemetry policies name,
// with what they select.
func (c *collector) xbackends() {
	add := func(keys []types.NamespacedName) {
		for _, key := range keys {
			if _, known := c.out.XBackends[key]; !known {
				c.xbackend(key)
			}
		}
	}
	add(GatewayXBackends(c.out.Gateway))
	for _, set := range c.out.ListenerSets {
		add(ListenerSetXBackends(set))
	}
	for _, route := range c.out.Routes() {
		add(XBackends(route))
	}
	for _, policy := range c.out.TelemetryPolicies {
		add(CollectorXBackends(policy))
	}
}

func (c *collector) xbackend(key types.NamespacedName) {
	backend := find(c, key, &gatewayxv1alpha1.XBackend{})
	if backend == nil {
		return
	}
	c.out.XBackends[key] = backend
	var policies gatewayxv1alpha1.XBackendTrafficPolicyList
	c.list(&policies, client.MatchingFields{PolicyByXBackend: key.String()})
	each(&policies, c.policy)
	if backend.Spec.Type != gatewayxv1alpha1.BackendTypeEndpointSelector {
		return
	}
	c.out.XBackendSlices[key] = c.selected(backend)
}

// selected are the EndpointSlices of what the XBackend selects. The label finds
// them, and anybody can write a label: what counts is that Kubernetes made the
// slice for a Service that was made for the XBackend, told by their UIDs.
func (c *collector) selected(backend *gatewayxv1alpha1.XBackend) []*discoveryv1.EndpointSlice {
	var list discoveryv1.EndpointSliceList
	c.list(&list, client.InNamespace(backend.Namespace), client.MatchingFields{SliceByXBackend: names.LabelValue(backend.Name)})
	return slices.DeleteFunc(sorted(&list), func(slice *discoveryv1.EndpointSlice) bool {
		owner := metav1.GetControllerOf(slice)
		return owner == nil || owner.Kind != "Service" || !c.madeFor(backend, owner)
	})
}

// madeFor says whether the Service that is referred to was made for the XBackend.
func (c *collector) madeFor(backend *gatewayxv1alpha1.XBackend, ref *metav1.OwnerReference) bool {
	service := find(c, types.NamespacedName{Namespace: backend.Namespace, Name: ref.Name}, &corev1.Service{})
	return service != nil && service.UID == ref.UID && metav1.IsControlledBy(service, backend)
}

// selectorGateways returns the Gateways of the XBackend that a Service was made for.
func selectorGateways(ctx context.Context, r client.Reader, service *corev1.Service) ([]types.NamespacedName, error) {
	owner := metav1.GetControllerOf(service)
	if owner == nil || owner.Kind != KindXBackend {
		return nil, nil
	}
	backend := &gatewayxv1alpha1.XBackend{ObjectMeta: metav1.ObjectMeta{Namespace: service.Namespace, Name: owner.Name}}
	return xbackendGateways(ctx, r, backend)
}

// xbackendGateways returns the Gateways with a route to the XBackend, those that ask
// it by a filter of a listener or send it spans, and those in its status.
func xbackendGateways(ctx context.Context, r client.Reader, backend *gatewayxv1alpha1.XBackend) ([]types.NamespacedName, error) {
	key := client.ObjectKeyFromObject(backend).String()
	byRoutes, err := routesGateways(ctx, r, client.MatchingFields{RouteByXBackend: key})
	if err != nil {
		return nil, err
	}
	byFilters, err := withFilters(ctx, r, client.MatchingFields{GatewayByXBackend: key})
	if err != nil {
		return nil, err
	}
	traced, err := telemetryGateways(ctx, r, client.MatchingFields{PolicyByXBackend: key})
	return merge(merge(merge(AncestorGateways(backend), byRoutes), byFilters), traced), err
}

// xbackendsGateways returns the Gateways of the XBackends that are listed.
func xbackendsGateways(ctx context.Context, r client.Reader, opts ...client.ListOption) ([]types.NamespacedName, error) {
	var list gatewayxv1alpha1.XBackendList
	if err := r.List(ctx, &list, opts...); err != nil {
		return nil, fmt.Errorf("listing XBackends: %w", err)
	}
	var keys []types.NamespacedName
	for i := range list.Items {
		touched, err := xbackendGateways(ctx, r, &list.Items[i])
		if err != nil {
			return nil, err
		}
		keys = merge(keys, touched)
	}
	return keys, nil
}

// sliceGateways returns the Gateways with a route to the Service of the
// EndpointSlice, or to the XBackend that it was made for. That of the API servers
// touches all of them.
func sliceGateways(ctx context.Context, r client.Reader, slice *discoveryv1.EndpointSlice) ([]types.NamespacedName, error) {
	if client.ObjectKeyFromObject(slice) == names.APIServers {
		return gateways(ctx, r)
	}
	var keys []types.NamespacedName
	if service, ok := serviceOf(slice); ok {
		var err error
		if keys, err = withService(ctx, r, service); err != nil {
			return nil, err
		}
	}
	label := slice.Labels[names.LabelXBackend]
	if label == "" {
		return keys, nil
	}
	// A label may be too short for the name, so it is compared.
	var list gatewayxv1alpha1.XBackendList
	if err := r.List(ctx, &list, client.InNamespace(slice.Namespace)); err != nil {
		return nil, fmt.Errorf("listing XBackends: %w", err)
	}
	for i := range list.Items {
		if names.LabelValue(list.Items[i].Name) != label {
			continue
		}
		touched, err := xbackendGateways(ctx, r, &list.Items[i])
		if err != nil {
			return nil, err
		}
		keys = merge(keys, touched)
	}
	return keys, nil
}
