package provision

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// peer is who connects: a pod, or what is outside of the cluster without a namespace.
type peer struct{ namespace string }

// allows says whether the policies of a namespace let a peer connect to a port of a
// pod, as the API describes it (NetworkPolicySpec): whom no policy selects takes all,
// and what any rule of any policy allows is allowed. It knows what our policies have,
// and fails the test for anything else.
func allows(t *testing.T, policies []*networkingv1.NetworkPolicy, pod map[string]string, from peer, protocol corev1.Protocol, port int32) bool {
	t.Helper()
	selected := false
	for _, policy := range policies {
		if !matches(t, &policy.Spec.PodSelector, pod) {
			continue
		}
		if len(policy.Spec.PolicyTypes) != 1 || policy.Spec.PolicyTypes[0] != networkingv1.PolicyTypeIngress {
			t.Fatalf("policy types %v", policy.Spec.PolicyTypes)
		}
		selected = true
		for i := range policy.Spec.Ingress {
			rule := &policy.Spec.Ingress[i]
			if fromAllowed(t, rule.From, from) && portAllowed(t, rule.Ports, protocol, port) {
				return true
			}
		}
	}
	return !selected
}

func fromAllowed(t *testing.T, peers []networkingv1.NetworkPolicyPeer, from peer) bool {
	t.Helper()
	for _, allowed := range peers {
		if allowed.IPBlock != nil || allowed.PodSelector != nil || allowed.NamespaceSelector == nil {
			t.Fatalf("peer %+v", allowed)
		}
		if from.namespace != "" && matches(t, allowed.NamespaceSelector, map[string]string{corev1.LabelMetadataName: from.namespace}) {
			return true
		}
	}
	return len(peers) == 0
}

func portAllowed(t *testing.T, ports []networkingv1.NetworkPolicyPort, protocol corev1.Protocol, port int32) bool {
	t.Helper()
	for _, allowed := range ports {
		if allowed.Port == nil || allowed.Port.Type != intstr.Int || allowed.EndPort != nil || allowed.Protocol == nil {
			t.Fatalf("port %+v", allowed)
		}
		if allowed.Port.IntVal == port && *allowed.Protocol == protocol {
			return true
		}
	}
	return len(ports) == 0
}

func matches(t *testing.T, selector *metav1.LabelSelector, set map[string]string) bool {
	t.Helper()
	return must(metav1.LabelSelectorAsSelector(selector))(t).Matches(labels.Set(set))
}

// fleetOf returns the objects of a Gateway that speaks by TCP and UDP.
func fleetOf(name string) []client.Object {
	gw := &gatewayv1.Gateway{}
	gw.Namespace, gw.Name, gw.UID, gw.Spec.GatewayClassName = "shop", name, "uid", "fleetgate"
	gw.Spec.Listeners = []gatewayv1.Listener{
		{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType}, {Name: "dns", Port: 5353, Protocol: gatewayv1.UDPProtocolType},
	}
	class := &gatewayv1.GatewayClass{}
	class.Name, class.Spec.ControllerName = "fleetgate", controllerName
	g := graph.Build(&store.Resources{Gateway: gw, Class: class}, graph.Options{ControllerName: controllerName})
	return Desired(g, Settings{ProxyImage: "proxy:1", SensorImage: "sensor:1", OperatorNamespace: "fleetgate-system"}).Objects
}

func TestNetworkPolicyLetsInWhoHasBusiness(t *testing.T) {
	var policies []*networkingv1.NetworkPolicy
	for _, name := range []string{"web", "other"} {
		policies = append(policies, first[*networkingv1.NetworkPolicy](fleetOf(name)))
	}
	pod := first[*appsv1.Deployment](fleetOf("web")).Spec.Template.Labels
	own, stranger, operator, outside := peer{"shop"}, peer{"bank"}, peer{"fleetgate-system"}, peer{}
	everybody := []peer{own, stranger, operator, outside}
	for _, tt := range []struct {
		name     string
		protocol corev1.Protocol
		port     int32
		want     []peer
	}{
		{"a listener", corev1.ProtocolTCP, 80, everybody},
		{"a listener of datagrams", corev1.ProtocolUDP, 5353, everybody},
		{"a listener's port of another protocol", corev1.ProtocolUDP, 80, nil},
		{"the port of datagrams, by TCP", corev1.ProtocolTCP, 5353, nil},
		{"health and metrics", corev1.ProtocolTCP, HealthPort, everybody},
		{"the sensor's metrics", corev1.ProtocolTCP, SensorPort, everybody},
		{"the admin port", corev1.ProtocolTCP, AdminPort, []peer{operator}},
		{"any other port", corev1.ProtocolTCP, 8080, nil},
	} {
		for _, from := range everybody {
			want := slices.Contains(tt.want, from)
			if got := allows(t, policies, pod, from, tt.protocol, tt.port); got != want {
				t.Errorf("%s from %q: allowed %t, want %t", tt.name, from.namespace, got, want)
			}
		}
	}
	if !allows(t, policies, map[string]string{"app": "shop"}, stranger, corev1.ProtocolTCP, 8080) {
		t.Error("a pod that is no proxy is cut off")
	}
}
