package folder

import (
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// kind is one kind of object that a folder may hold.
type kind struct {
	// cluster says that the objects are in no namespace.
	cluster bool
	// aliases are further versions with the same schema, which an API server
	// serves as well.
	aliases []string
	// defaults are those of the resource's schema, outer fields first.
	defaults []fieldDefault
}

// kinds are those that the pipeline reads. A kind that it does not read is a
// problem: silence would look like an object that works.
func kinds() map[schema.GroupVersionKind]kind {
	gateway := schema.GroupVersion(gatewayv1.GroupVersion).WithKind
	experimental := schema.GroupVersion(gatewayxv1alpha1.GroupVersion).WithKind
	core := corev1.SchemeGroupVersion.WithKind
	return map[schema.GroupVersionKind]kind{
		gateway("GatewayClass"):               {cluster: true, aliases: []string{"v1beta1"}},
		gateway("Gateway"):                    {aliases: []string{"v1beta1"}, defaults: gatewayDefaults()},
		gateway("HTTPRoute"):                  {aliases: []string{"v1beta1"}, defaults: httpRouteDefaults()},
		gateway("GRPCRoute"):                  {defaults: grpcRouteDefaults()},
		gateway("TCPRoute"):                   {defaults: l4RouteDefaults()},
		gateway("TLSRoute"):                   {defaults: l4RouteDefaults()},
		gateway("UDPRoute"):                   {defaults: l4RouteDefaults()},
		gateway("ListenerSet"):                {defaults: listenerSetDefaults()},
		gateway("BackendTLSPolicy"):           {},
		gateway("ReferenceGrant"):             {aliases: []string{"v1beta1"}},
		experimental("XBackend"):              {defaults: xbackendDefaults()},
		experimental("XBackendTrafficPolicy"): {defaults: trafficPolicyDefaults()},
		experimental("XTelemetryPolicy"):      {defaults: telemetryPolicyDefaults()},
		core("Namespace"):                     {cluster: true},
		core("Service"):                       {defaults: serviceDefaults()},
		core("Secret"):                        {defaults: secretDefaults()},
		core("ConfigMap"):                     {},

		v1alpha1.GroupVersion.WithKind(v1alpha1.KindGatewayParameters): {defaults: parametersDefaults()},

		certificatesv1.SchemeGroupVersion.WithKind("ClusterTrustBundle"): {cluster: true, aliases: []string{"v1beta1", "v1alpha1"}},

		discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"): {defaults: endpointSliceDefaults()},
	}
}

// find returns the kind and the version that stands for its aliases.
func find(all map[schema.GroupVersionKind]kind, gvk schema.GroupVersionKind) (schema.GroupVersionKind, kind, bool) {
	if k, ok := all[gvk]; ok {
		return gvk, k, true
	}
	for known, k := range all {
		if known.GroupKind() != gvk.GroupKind() {
			continue
		}
		for _, alias := range k.aliases {
			if alias == gvk.Version {
				return known, k, true
			}
		}
	}
	return gvk, kind{}, false
}
