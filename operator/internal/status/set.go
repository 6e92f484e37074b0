package status

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/scraping"
)

// Observed is what is known of the fleet of a Gateway.
type Observed struct {
	// Addresses are those under which clients reach the Gateway. See
	// ServiceAddresses.
	Addresses []gatewayv1.GatewayStatusAddress
	// ClusterAddresses are those by which the cluster itself reaches it. See
	// ServiceClusterAddresses.
	ClusterAddresses []gatewayv1.GatewayStatusAddress
	// Hash is the hash of the rendered configuration.
	Hash string
	// Wanted is the number of proxies that the fleet is to have, Ready that of
	// the ready ones, and Serving that of the ready ones that serve Hash.
	Wanted, Ready, Serving int
	// Refused are the items of the configuration that some proxy refused.
	Refused []proxyconfig.RefusedItem
	// Hostnames are the names of external backends that do not lead where they should.
	Hostnames []proxyconfig.HostnameProblem
	// Oversize are the items that were left out of the configuration, as it would
	// have become too large.
	Oversize []proxyconfig.RefusedItem
	// Untranslated are the routes that stand-ins are served for.
	Untranslated []proxyconfig.RefusedItem
	// Rejected are whole configurations that a proxy refused, as sentences.
	Rejected []string
	// Repaired is what was mended of the stored configuration lately, as a
	// sentence, or empty.
	Repaired string
	// Sensor tells of sensors that may do less than usual, as a sentence, or is empty.
	Sensor string
	// Scraping says who selects the ServiceMonitor, and is nil where there is none.
	Scraping *scraping.Choice
	// Refusals are the fields of parameters that have no effect.
	Refusals []parameters.Refusal
	// Problems are those of provisioning, as sentences that name the object:
	// "Service a/b exists and does not belong to this Gateway".
	Problems []string
}

// ServiceAddresses returns the addresses of the Service of a fleet: what the
// load balancer has assigned, or the cluster's own address where there is
// none to be. Each says where it can be reached from.
func ServiceAddresses(service *corev1.Service) []gatewayv1.GatewayStatusAddress {
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return ServiceClusterAddresses(service)
	}
	var addresses []gatewayv1.GatewayStatusAddress
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if ingress.IP != "" {
			addresses = append(addresses, address(gatewayv1.IPAddressType, ingress.IP, gatewayv1.GatewayAddressRoutabilityDefault))
		}
		if ingress.Hostname != "" {
			addresses = append(addresses, address(gatewayv1.HostnameAddressType, ingress.Hostname, gatewayv1.GatewayAddressRoutabilityDefault))
		}
	}
	return addresses
}

// ServiceClusterAddresses returns the addresses that the Service has in the
// cluster.
func ServiceClusterAddresses(service *corev1.Service) []gatewayv1.GatewayStatusAddress {
	var addresses []gatewayv1.GatewayStatusAddress
	for _, ip := range service.Spec.ClusterIPs {
		if ip != corev1.ClusterIPNone {
			addresses = append(addresses, address(gatewayv1.IPAddressType, ip, gatewayv1.GatewayAddressRoutabilityCluster))
		}
	}
	return addresses
}

func address(typ gatewayv1.AddressType, value string, from gatewayv1.GatewayAddressRoutabilityType) gatewayv1.GatewayStatusAddress {
	return gatewayv1.GatewayStatusAddress{Type: &typ, Value: value, Routability: &from}
}

// Set is the desired status of a Gateway and of its routes. Its conditions
// have no transition times; those come from merging.
type Set struct {
	// Gateway is nil when the Gateway is not ours.
	Gateway *Gateway
	// ListenerSets are in the order of the graph.
	ListenerSets []*ListenerSet
	// Routes are in the order of the graph.
	Routes []*Route
	// Policies are in the order of the graph, too, followed by the XBackends.
	Policies []Policy
}

// Gateway is the desired status of a Gateway.
type Gateway struct {
	Name       types.NamespacedName
	Generation int64
	Addresses  []gatewayv1.GatewayStatusAddress
	Conditions []metav1.Condition
	// Listeners are in the order of the spec.
	Listeners []gatewayv1.ListenerStatus
	// AttachedListenerSets counts those that are accepted; nil stands for none.
	AttachedListenerSets *int32
	// Routability says what becomes of that of the addresses. Build leaves it open.
	Routability Keeping
}

// Keeping is what the API server does with a field that some versions of a CRD do
// not have. Empty stands for what is not known.
type Keeping string

// What becomes of a field that is written.
const (
	Kept    Keeping = "kept"
	Dropped Keeping = "dropped"
)

// Route is the desired status of a route as far as one Gateway is concerned.
type Route struct {
	Kind string
	Name types.NamespacedName
	// Gateway, ListenerSets and Controller say which of the route's parents are
	// spoken of: all that name this Gateway or one of its ListenerSets, and no
	// others.
	Gateway      types.NamespacedName
	ListenerSets *Sets
	Controller   gatewayv1.GatewayController
	// Parents are the entries to have. None removes those that are there.
	Parents []gatewayv1.RouteParentStatus
}

// Build returns the status of the graph's Gateway and its routes. Whether the
// Gateway was programmed before is read from the status that it has in the
// graph.
func Build(g *graph.Graph, observed Observed) Set { return new(Memory).Build(g, observed) }

func (b *builder) build(g *graph.Graph) Set {
	b.obstacle = b.findObstacle()
	set := Set{Routes: b.routesOf(g), ListenerSets: b.listenerSets()}
	set.Gateway = b.gatewayStatus()
	set.Gateway.AttachedListenerSets = attachedListenerSets(set.ListenerSets)
	for _, policy := range g.Policies {
		set.Policies = append(set.Policies, b.resolvingPolicy(&policy.PolicyNode))
	}
	for _, policy := range g.TrafficPolicies {
		set.Policies = append(set.Policies, b.policy(&policy.PolicyNode))
	}
	for _, backend := range g.XBackends {
		set.Policies = append(set.Policies, b.xbackend(backend))
	}
	for _, policy := range g.TelemetryPolicies {
		set.Policies = append(set.Policies, b.resolvingPolicy(&policy.PolicyNode))
	}
	return set
}

// builder holds what the parts of one Build share.
type builder struct {
	gateway  *graph.Gateway
	observed Observed
	refused  refusedItems
	oversize refusedItems
	failed   refusedItems
	memory   *Memory
	// obstacle is the Gateway's, which all of its listeners tell of.
	obstacle obstacle
	// rejected are the routes that are not accepted wherever they are attached.
	rejected map[*graph.Route]bool
}

func condition[T, R ~string](typ T, status metav1.ConditionStatus, reason R, message string, generation int64) metav1.Condition {
	return metav1.Condition{
		Type:               string(typ),
		Status:             status,
		Reason:             string(reason),
		Message:            message,
		ObservedGeneration: generation,
	}
}
