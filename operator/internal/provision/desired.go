package provision

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/provision/overlay"
)

// Result is what the fleet of a Gateway is to consist of.
type Result struct {
	// Objects are in the order in which they are to be created: rights before the
	// pods that need them.
	Objects []client.Object
	// Refused are the overlays that were not applied.
	Refused []parameters.Refusal
}

// Desired returns the objects of the fleet of the graph's Gateway. There are none
// when the Gateway is not accepted; what a formerly valid Gateway has is not to be
// removed for that.
func Desired(g *graph.Graph, settings Settings) Result {
	if g.Gateway == nil || !g.Gateway.Accepted() {
		return Result{}
	}
	f := newFleet(g.Gateway, settings)
	objects := []client.Object{
		f.serviceAccount(),
		f.role(),
		f.roleBinding(),
		f.networkPolicy(),
		f.service(),
		f.metricsService(),
	}
	if budget := f.disruptionBudget(); budget != nil {
		objects = append(objects, budget)
	}
	if f.asksAgent() && f.settings.NodeAgentAuthorities != "" {
		objects = append(objects, f.agentAuthorities())
	}
	objects = append(objects, f.workload())
	if f.autoscaled() {
		objects = append(objects, f.autoscaler())
	}
	if f.settings.ServiceMonitor && !deref(f.scraping.Disabled) {
		objects = append(objects, f.serviceMonitor())
	}
	refused := overlay.Apply(objects, g.Gateway.Parameters.Overlays, f.names.MetricsService())
	return Result{Objects: objects, Refused: refused}
}

// fleet is what the objects of one Gateway have in common.
type fleet struct {
	gateway *gatewayv1.Gateway
	node    *graph.Gateway
	names   names.Fleet
	// settings have the defaults, and over them what the parameters say.
	settings Settings
	// These are the parameters in effect, without what is in settings.
	running  v1alpha1.WorkloadParameters
	pods     v1alpha1.PodParameters
	proxies  v1alpha1.ProxyParameters
	exposure v1alpha1.ServiceParameters
	scraping v1alpha1.ServiceMonitorParameters
}

func newFleet(node *graph.Gateway, settings Settings) *fleet {
	spec := &node.Parameters.Spec
	return &fleet{
		gateway:  node.Source,
		node:     node,
		names:    names.ForGateway(node.Source.Name, string(node.Source.Spec.GatewayClassName)),
		settings: settings.with(spec).withDefaults(),
		running:  deref(spec.Workload),
		pods:     deref(spec.Pod),
		proxies:  deref(spec.Proxy),
		exposure: deref(spec.Service),
		scraping: deref(deref(spec.Monitoring).ServiceMonitor),
	}
}

// deref returns what the pointer points to, or the zero value.
func deref[T any](pointer *T) T {
	if pointer == nil {
		var zero T
		return zero
	}
	return *pointer
}

// meta returns the metadata of an object with the given name. Labels of the
// Gateway's infrastructure never replace ours, as the pods are selected by
// those.
func (f *fleet) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace:       f.gateway.Namespace,
		Name:            name,
		Labels:          f.labels(),
		Annotations:     f.annotations(),
		OwnerReferences: []metav1.OwnerReference{OwnerReference(f.gateway)},
	}
}

func (f *fleet) labels() map[string]string {
	labels := make(map[string]string)
	if infrastructure := f.gateway.Spec.Infrastructure; infrastructure != nil {
		for key, text := range infrastructure.Labels {
			labels[string(key)] = string(text)
		}
	}
	maps.Copy(labels, names.Labels(f.gateway.Name, string(f.gateway.Spec.GatewayClassName)))
	return labels
}

// beside adds labels of users to an object's. They replace none of ours.
func (f *fleet) beside(labels, more map[string]string) map[string]string {
	ours := names.Labels(f.gateway.Name, string(f.gateway.Spec.GatewayClassName))
	for key, text := range more {
		if _, taken := ours[key]; !taken {
			labels[key] = text
		}
	}
	return labels
}

// over adds to annotations, which may be nil, and replaces what has the same key.
func over(annotations, more map[string]string) map[string]string {
	if annotations == nil && len(more) > 0 {
		annotations = make(map[string]string, len(more))
	}
	maps.Copy(annotations, more)
	return annotations
}

func (f *fleet) annotations() map[string]string {
	infrastructure := f.gateway.Spec.Infrastructure
	if infrastructure == nil || len(infrastructure.Annotations) == 0 {
		return nil
	}
	annotations := make(map[string]string, len(infrastructure.Annotations))
	for key, text := range infrastructure.Annotations {
		annotations[string(key)] = string(text)
	}
	return annotations
}

func (f *fleet) selector() map[string]string {
	return names.Selector(f.gateway.Name, string(f.gateway.Spec.GatewayClassName))
}

// Metadata returns the metadata that every object of the Gateway's fleet has,
// for those that are not made by Desired.
func Metadata(gateway *gatewayv1.Gateway, name string) metav1.ObjectMeta {
	f := &fleet{gateway: gateway}
	return f.meta(name)
}

// OwnerReference makes the Gateway the owner of an object, so that it goes
// when the Gateway goes.
func OwnerReference(gateway *gatewayv1.Gateway) metav1.OwnerReference {
	yes := true
	return metav1.OwnerReference{
		APIVersion:         gatewayv1.GroupVersion.String(),
		Kind:               "Gateway",
		Name:               gateway.Name,
		UID:                gateway.UID,
		Controller:         &yes,
		BlockOwnerDeletion: &yes,
	}
}

func (f *fleet) serviceAccount() *corev1.ServiceAccount {
	no := false
	return &corev1.ServiceAccount{
		TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta:                   f.meta(f.names.Name()),
		AutomountServiceAccountToken: &no,
	}
}
