package store

import (
	"context"
	"fmt"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The names of the indexes. Values that stand for a namespaced object are
// "namespace/name": neither part can contain a slash.
const (
	// RouteByGateway finds routes by a Gateway that their spec or their status
	// names.
	RouteByGateway = "fleetgate.gateway"
	// RouteByListenerSet finds routes by a ListenerSet that their spec or their
	// status names.
	RouteByListenerSet = "fleetgate.listenerset"
	// ListenerSetByGateway finds ListenerSets by their parent.
	ListenerSetByGateway = "fleetgate.gateway"
	// RouteByService finds routes by a Service that they send requests to.
	RouteByService = "fleetgate.service"
	// ByForeignNamespace finds routes, Gateways and ListenerSets by a namespace
	// other than their own that they refer into.
	ByForeignNamespace = "fleetgate.foreign-namespace"
	// GatewayByClass finds Gateways by the name of their class.
	GatewayByClass = "fleetgate.class"
	// GatewayBySecret finds Gateways and ListenerSets by a Secret that they name.
	GatewayBySecret = "fleetgate.secret"
	// GatewayByConfigMap finds Gateways by a ConfigMap with authorities of their
	// clients' certificates.
	GatewayByConfigMap = "fleetgate.configmap"
	// GatewayByTrustBundle finds Gateways by a ClusterTrustBundle with such
	// authorities, whose value begins with the slash of no namespace.
	GatewayByTrustBundle = "fleetgate.clustertrustbundle"
	// GatewayByService finds Gateways and ListenerSets by a Service that a filter of
	// their listeners asks.
	GatewayByService = "fleetgate.service"
	// GatewayByXBackend is GatewayByService for XBackends.
	GatewayByXBackend = "fleetgate.xbackend"
	// SliceByService finds EndpointSlices by the name of their Service, which
	// is in the same namespace.
	SliceByService = "fleetgate.service"
)

// Index is one index: for an object of the type of Object, Values returns the
// values under which the object is found.
type Index struct {
	Object client.Object
	Name   string
	Values client.IndexerFunc
}

// Indexes returns all indexes that Collect and GatewaysFor need.
func Indexes() []Index {
	all := slices.Concat(gatewayIndexes(), parametersIndexes(), listenerSetIndexes(), policyIndexes(), xbackendIndexes())
	for _, kind := range RouteKinds() {
		all = append(all, routeIndexes(kind)...)
	}
	return append(all, Index{&discoveryv1.EndpointSlice{}, SliceByService, func(obj client.Object) []string {
		service, ok := serviceOf(obj.(*discoveryv1.EndpointSlice))
		if !ok {
			return nil
		}
		return []string{service.Name}
	}})
}

func gatewayIndexes() []Index {
	return []Index{
		{&gatewayv1.Gateway{}, GatewayByClass, func(obj client.Object) []string {
			return []string{string(obj.(*gatewayv1.Gateway).Spec.GatewayClassName)}
		}},
		{&gatewayv1.Gateway{}, ByDefaultScope, func(obj client.Object) []string {
			return scopeIf(ClaimsDefaults(obj.(*gatewayv1.Gateway)))
		}},
		{&gatewayv1.Gateway{}, GatewayBySecret, func(obj client.Object) []string {
			gateway := obj.(*gatewayv1.Gateway)
			return values(merge(CertificateSecrets(gateway), ClientCertificate(gateway)))
		}},
		{&gatewayv1.Gateway{}, GatewayByConfigMap, func(obj client.Object) []string {
			return values(FrontendCAs(obj.(*gatewayv1.Gateway)))
		}},
		{&gatewayv1.Gateway{}, GatewayByTrustBundle, func(obj client.Object) []string {
			return values(FrontendTrustBundles(obj.(*gatewayv1.Gateway)))
		}},
		{&gatewayv1.Gateway{}, GatewayByService, func(obj client.Object) []string {
			return values(GatewayServices(obj.(*gatewayv1.Gateway)))
		}},
		{&gatewayv1.Gateway{}, GatewayByXBackend, func(obj client.Object) []string {
			return values(GatewayXBackends(obj.(*gatewayv1.Gateway)))
		}},
		{&gatewayv1.Gateway{}, ByForeignNamespace, func(obj client.Object) []string {
			return foreign(obj.GetNamespace(), gatewayRefs(obj.(*gatewayv1.Gateway)))
		}},
	}
}

// gatewayRefs are the objects that a Gateway itself refers to and that may lie
// in other namespaces.
func gatewayRefs(gateway *gatewayv1.Gateway) []types.NamespacedName {
	return slices.Concat(CertificateSecrets(gateway), ClientCertificate(gateway), FrontendCAs(gateway), GatewayServices(gateway))
}

// listenerSetRefs is gatewayRefs for a ListenerSet.
func listenerSetRefs(set *gatewayv1.ListenerSet) []types.NamespacedName {
	return slices.Concat(ListenerSetSecrets(set), ListenerSetServices(set))
}

func listenerSetIndexes() []Index {
	return []Index{
		{&gatewayv1.ListenerSet{}, ListenerSetByGateway, func(obj client.Object) []string {
			if key, ok := GatewayOf(obj.(*gatewayv1.ListenerSet)); ok {
				return []string{key.String()}
			}
			return nil
		}},
		{&gatewayv1.ListenerSet{}, GatewayBySecret, func(obj client.Object) []string {
			return values(ListenerSetSecrets(obj.(*gatewayv1.ListenerSet)))
		}},
		{&gatewayv1.ListenerSet{}, ByForeignNamespace, func(obj client.Object) []string {
			return foreign(obj.GetNamespace(), listenerSetRefs(obj.(*gatewayv1.ListenerSet)))
		}},
		{&gatewayv1.ListenerSet{}, GatewayByService, func(obj client.Object) []string {
			return values(ListenerSetServices(obj.(*gatewayv1.ListenerSet)))
		}},
		{&gatewayv1.ListenerSet{}, GatewayByXBackend, func(obj client.Object) []string {
			return values(ListenerSetXBackends(obj.(*gatewayv1.ListenerSet)))
		}},
	}
}

func routeIndexes(kind RouteKind) []Index {
	return []Index{
		{kind.New(), RouteByGateway, func(obj client.Object) []string {
			return values(merge(ParentGateways(obj), ReportedGateways(obj)))
		}},
		{kind.New(), RouteByListenerSet, func(obj client.Object) []string {
			return values(merge(ParentListenerSets(obj), ReportedListenerSets(obj)))
		}},
		{kind.New(), ByDefaultScope, func(obj client.Object) []string { return scopeIf(UsesDefaults(obj)) }},
		{kind.New(), RouteByService, func(obj client.Object) []string { return values(BackendServices(obj)) }},
		{kind.New(), ByForeignNamespace, func(obj client.Object) []string {
			return foreign(obj.GetNamespace(), BackendServices(obj))
		}},
		{kind.New(), RouteByXBackend, func(obj client.Object) []string { return values(XBackends(obj)) }},
	}
}

// IndexFields registers the indexes of the kinds that want says yes to. It must
// be called once for a kind, before its cache is filled.
func IndexFields(ctx context.Context, indexer client.FieldIndexer, want func(client.Object) bool) error {
	for _, index := range Indexes() {
		if !want(index.Object) {
			continue
		}
		if err := indexer.IndexField(ctx, index.Object, index.Name, index.Values); err != nil {
			return fmt.Errorf("indexing %T by %s: %w", index.Object, index.Name, err)
		}
	}
	return nil
}

func values(keys []types.NamespacedName) []string {
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i] = key.String()
	}
	return out
}

// merge returns a followed by what is in b alone.
func merge(a, b []types.NamespacedName) []types.NamespacedName {
	seen := make(map[types.NamespacedName]struct{}, len(a)+len(b))
	out := make([]types.NamespacedName, 0, len(a)+len(b))
	for _, keys := range [][]types.NamespacedName{a, b} {
		for _, key := range keys {
			if _, dup := seen[key]; !dup {
				seen[key] = struct{}{}
				out = append(out, key)
			}
		}
	}
	return out
}
