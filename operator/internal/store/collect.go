package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// Collect reads what belongs to the Gateway. It returns nil when the Gateway
// does not exist. When its class is missing or has another controller, Class is
// nil and nothing beside the Gateway is read. An error means that a read went
// wrong, never that an object is missing or bad. Which kinds are missing is for
// the caller to add.
func Collect(ctx context.Context, r client.Reader, key types.NamespacedName, controllerName string) (*Resources, error) {
	gateway, err := get(ctx, r, key, &gatewayv1.Gateway{})
	if err != nil || gateway == nil {
		return nil, err
	}
	c := &collector{ctx: ctx, reader: r, controller: controllerName, out: &Resources{
		Gateway:        gateway,
		HTTPRoutes:     make(map[types.NamespacedName]*gatewayv1.HTTPRoute),
		GRPCRoutes:     make(map[types.NamespacedName]*gatewayv1.GRPCRoute),
		L4Routes:       make(map[RouteKey]Route),
		ListenerSets:   make(map[types.NamespacedName]*gatewayv1.ListenerSet),
		Namespaces:     make(map[string]*corev1.Namespace),
		Services:       make(map[types.NamespacedName]*corev1.Service),
		EndpointSlices: make(map[types.NamespacedName][]*discoveryv1.EndpointSlice),
		Secrets:        make(map[types.NamespacedName]*corev1.Secret),
		ConfigMaps:     make(map[types.NamespacedName]*corev1.ConfigMap),
		TrustBundles:   make(map[string]*certificatesv1.ClusterTrustBundle),

		BackendTLSPolicies: make(map[types.NamespacedName]*gatewayv1.BackendTLSPolicy),
		TrafficPolicies:    make(map[types.NamespacedName]*gatewayxv1alpha1.XBackendTrafficPolicy),
		XBackends:          make(map[types.NamespacedName]*gatewayxv1alpha1.XBackend),
		XBackendSlices:     make(map[types.NamespacedName][]*discoveryv1.EndpointSlice),
		TelemetryPolicies:  make(map[types.NamespacedName]*gatewayxv1alpha1.XTelemetryPolicy),
	}}
	c.class()
	if c.out.Class != nil {
		c.parameters()
		c.listenerSets(key)
		c.routes(key)
		c.defaultRoutes()
		c.telemetryPolicies(key)
		c.policies()
		c.xbackends()
		c.namespaces()
		c.secrets()
		c.configMaps()
		c.trustBundles()
		c.backends()
		c.out.APIServers = find(c, names.APIServers, &discoveryv1.EndpointSlice{})
		c.grants()
	}
	return c.out, c.err
}

// collector fills one Resources. The first error stops it.
type collector struct {
	ctx        context.Context
	reader     client.Reader
	controller string
	out        *Resources
	err        error
	// sendsTo are the Services that something is sent to.
	sendsTo keySet
}

func (c *collector) class() {
	key := types.NamespacedName{Name: string(c.out.Gateway.Spec.GatewayClassName)}
	class := find(c, key, &gatewayv1.GatewayClass{})
	if class != nil && string(class.Spec.ControllerName) == c.controller {
		c.out.Class = class
	}
}

func (c *collector) listenerSets(gateway types.NamespacedName) {
	var list gatewayv1.ListenerSetList
	c.list(&list, client.MatchingFields{ListenerSetByGateway: gateway.String()})
	for i := range list.Items {
		c.out.ListenerSets[client.ObjectKeyFromObject(&list.Items[i])] = &list.Items[i]
	}
}

func (c *collector) routes(gateway types.NamespacedName) {
	ours := reportsFor(gateway, c.controller)
	detached := func(route Route) {
		if ours(route) {
			c.out.Detached = append(c.out.Detached, route)
		}
	}
	for _, kind := range RouteKinds() {
		c.routesBy(kind, RouteByGateway, gateway, ParentGateway, detached)
		for set := range c.out.ListenerSets {
			c.routesBy(kind, RouteByListenerSet, set, ParentListenerSet, func(Route) {})
		}
	}
}

// routesBy adds the routes of a kind whose spec names the parent. The index
// holds routes that only their status ties to it, too: these are others.
func (c *collector) routesBy(kind RouteKind, index string, parent types.NamespacedName, read readParent, others func(Route)) {
	list := kind.NewList()
	c.list(list, client.MatchingFields{index: parent.String()})
	each(list, func(route Route) {
		if read.of(route, parent) {
			c.route(route)
		} else {
			others(route)
		}
	})
}

func (c *collector) route(route Route) {
	key, _ := KeyOf(route)
	switch route := route.(type) {
	case *gatewayv1.HTTPRoute:
		c.out.HTTPRoutes[key.NamespacedName] = route
	case *gatewayv1.GRPCRoute:
		c.out.GRPCRoutes[key.NamespacedName] = route
	default:
		c.out.L4Routes[key] = route
	}
}

func (c *collector) namespaces() {
	for name := range c.homes() {
		c.namespace(name)
	}
}

// homes are the namespaces of the Gateway, its routes and its ListenerSets.
func (c *collector) homes() map[string]struct{} {
	all := map[string]struct{}{c.out.Gateway.Namespace: {}}
	for key := range c.out.Routes() {
		if _, known := all[key.Namespace]; !known {
			all[key.Namespace] = struct{}{}
		}
	}
	for key := range c.out.ListenerSets {
		all[key.Namespace] = struct{}{}
	}
	return all
}

func (c *collector) namespace(name string) {
	if ns := find(c, types.NamespacedName{Name: name}, &corev1.Namespace{}); ns != nil {
		c.out.Namespaces[name] = ns
	}
}

// keySet are names, each once.
type keySet map[types.NamespacedName]struct{}

func (s keySet) add(keys []types.NamespacedName) {
	for _, key := range keys {
		s[key] = struct{}{}
	}
}

// validation are the objects of a kind by which BackendTLSPolicies and XBackends
// validate backends.
func (c *collector) validation(refs func(*gatewayv1.BackendTLSPolicy) []types.NamespacedName) keySet {
	keys := make(keySet)
	for _, policy := range c.out.BackendTLSPolicies {
		keys.add(refs(policy))
	}
	for _, backend := range c.out.XBackends {
		keys.add(validatedBy(backend, refs))
	}
	return keys
}

// secretKeys are the Secrets that the Gateway, its ListenerSets, a policy or an XBackend
// refer to.
func (c *collector) secretKeys() keySet {
	keys := c.validation(PolicySecrets)
	keys.add(CertificateSecrets(c.out.Gateway))
	keys.add(ClientCertificate(c.out.Gateway))
	for _, set := range c.out.ListenerSets {
		keys.add(ListenerSetSecrets(set))
	}
	for _, backend := range c.out.XBackends {
		keys.add(xbackendClientCertificate(backend))
	}
	return keys
}

func (c *collector) secrets() {
	for key := range c.secretKeys() {
		c.secret(key)
	}
}

func (c *collector) secret(key types.NamespacedName) {
	if secret := find(c, key, &corev1.Secret{}); secret != nil {
		c.out.Secrets[key] = secret
	}
}

func (c *collector) configMaps() {
	keys := c.validation(PolicyConfigMaps)
	keys.add(FrontendCAs(c.out.Gateway))
	for key := range keys {
		if configMap := find(c, key, &corev1.ConfigMap{}); configMap != nil {
			c.out.ConfigMaps[key] = configMap
		}
	}
}

func (c *collector) backends() {
	for key := range c.backendKeys() {
		c.backend(key)
	}
}

func (c *collector) backend(key types.NamespacedName) {
	service := find(c, key, &corev1.Service{})
	if service == nil {
		return
	}
	c.out.Services[key] = service
	var list discoveryv1.EndpointSliceList
	c.list(&list, client.InNamespace(key.Namespace), client.MatchingFields{SliceByService: key.Name})
	if found := sorted(&list); len(found) > 0 {
		c.out.EndpointSlices[key] = found
	}
}

func sorted(list *discoveryv1.EndpointSliceList) []*discoveryv1.EndpointSlice {
	var out []*discoveryv1.EndpointSlice
	for i := range list.Items {
		out = append(out, &list.Items[i])
	}
	slices.SortFunc(out, func(a, b *discoveryv1.EndpointSlice) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (c *collector) backendKeys() keySet {
	if c.sendsTo != nil {
		return c.sendsTo
	}
	keys := make(keySet)
	for _, route := range c.out.Routes() {
		keys.add(BackendServices(route))
	}
	for _, policy := range c.out.TelemetryPolicies {
		keys.add(CollectorServices(policy))
	}
	keys.add(GatewayServices(c.out.Gateway))
	for _, set := range c.out.ListenerSets {
		keys.add(ListenerSetServices(set))
	}
	c.sendsTo = keys
	return keys
}

func (c *collector) grants() {
	for ns := range c.grantors() {
		var list gatewayv1.ReferenceGrantList
		c.list(&list, client.InNamespace(ns))
		for i := range list.Items {
			c.out.Grants = append(c.out.Grants, &list.Items[i])
		}
	}
	slices.SortFunc(c.out.Grants, func(a, b *gatewayv1.ReferenceGrant) int {
		return compareKeys(client.ObjectKeyFromObject(a), client.ObjectKeyFromObject(b))
	})
}

// grantors are the namespaces that something leads to from another one.
func (c *collector) grantors() map[string]struct{} {
	targets := make(map[string]struct{})
	add := func(home string, keys []types.NamespacedName) {
		for _, ns := range foreign(home, keys) {
			targets[ns] = struct{}{}
		}
	}
	add(c.out.Gateway.Namespace, gatewayRefs(c.out.Gateway))
	for _, set := range c.out.ListenerSets {
		add(set.Namespace, listenerSetRefs(set))
	}
	for key, route := range c.out.Routes() {
		add(key.Namespace, BackendServices(route))
	}
	for key, backend := range c.out.XBackends {
		add(key.Namespace, xbackendClientCertificate(backend))
	}
	for key, policy := range c.out.TelemetryPolicies {
		add(key.Namespace, CollectorServices(policy))
	}
	return targets
}

func (c *collector) list(list client.ObjectList, opts ...client.ListOption) {
	if c.err != nil {
		return
	}
	if err := c.reader.List(c.ctx, list, opts...); err != nil {
		c.err = fmt.Errorf("listing %T: %w", list, err)
	}
}

// find is get for a collector, which remembers the error.
func find[T client.Object](c *collector, key types.NamespacedName, into T) T {
	var none T
	if c.err != nil {
		return none
	}
	obj, err := get(c.ctx, c.reader, key, into)
	c.err = err
	return obj
}

// get reads an object, and returns a nil one when it does not exist.
func get[T client.Object](ctx context.Context, r client.Reader, key types.NamespacedName, into T) (T, error) {
	var none T
	err := r.Get(ctx, key, into)
	switch {
	case err == nil:
		return into, nil
	case apierrors.IsNotFound(err):
		return none, nil
	default:
		return none, fmt.Errorf("reading %T %s: %w", into, key, err)
	}
}
