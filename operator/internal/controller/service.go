package controller

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
)

// keepImmutable asks for what the Service has already of what cannot be changed later:
// an update that tries would be refused as a whole. Whoever asks for it is told. For
// the address of the cluster the status tells that it is another one.
func (w *work) keepImmutable() {
	for _, obj := range w.plan.desired.Objects {
		service, is := obj.(*corev1.Service)
		if !is || service.Spec.ClusterIP == corev1.ClusterIPNone {
			continue
		}
		key := types.NamespacedName{Namespace: w.key.Namespace, Name: service.Name}
		live, err := ownObject(w.ctx, w.opts.Client, w.owner, key, &corev1.Service{})
		if err != nil || live == nil {
			continue
		}
		for _, kept := range keepOf(&live.Spec, &service.Spec) {
			w.tellKept(service.Name, kept)
		}
	}
}

// keptField is a field of a Service that stays as it is, although something else is
// asked for.
type keptField struct{ field, has, wanted string }

// tellKept refuses the field to the parameters that set it. Where none do, as they
// have ceased to, the Gateway's own status has it.
func (w *work) tellKept(service string, kept keptField) {
	w.keeps = true
	text := fmt.Sprintf("Service %s/%s has %s, which Kubernetes does not let change to %s; delete the Service to have it made anew, with another address",
		w.key.Namespace, service, kept.has, kept.wanted)
	if layer := w.layerWith(kept.field); layer != "" {
		w.plan.refusals = append(w.plan.refusals, parameters.Refusal{Layer: layer, Field: "service." + kept.field, Message: text})
		return
	}
	w.problem(text)
}

// layerWith returns the layer whose field of the Service is in effect, or nothing.
func (w *work) layerWith(field string) parameters.Layer {
	sets := func(source *v1alpha1.GatewayParameters) bool {
		if source == nil || source.Spec.Service == nil {
			return false
		}
		if field == fieldFamilies {
			return len(source.Spec.Service.IPFamilies) > 0
		}
		return source.Spec.Service.LoadBalancerClass != nil
	}
	refused := slices.ContainsFunc(w.plan.refusals, func(r parameters.Refusal) bool {
		return r.Layer == parameters.LayerGateway && r.Field == "service."+field
	})
	switch {
	case sets(w.resources.OwnParameters) && !refused:
		return parameters.LayerGateway
	case sets(w.resources.ClassParameters):
		return parameters.LayerClass
	}
	return ""
}

// The fields of parameters that a Service cannot follow once it is there.
const (
	fieldClass    = "loadBalancerClass"
	fieldFamilies = "ipFamilies"
)

// keepOf changes what is wanted, and returns what of it users are to be told.
func keepOf(live, wanted *corev1.ServiceSpec) (kept []keptField) {
	if wanted.ClusterIP != "" && live.ClusterIP != "" {
		wanted.ClusterIP = live.ClusterIP
	}
	if wanted.Type == corev1.ServiceTypeLoadBalancer && live.Type == corev1.ServiceTypeLoadBalancer {
		if has, asked := classText(live.LoadBalancerClass), classText(wanted.LoadBalancerClass); has != asked {
			kept = append(kept, keptField{fieldClass, has, asked})
		}
		wanted.LoadBalancerClass = live.LoadBalancerClass
	}
	if len(wanted.IPFamilies) > 0 && len(live.IPFamilies) > 0 && wanted.IPFamilies[0] != live.IPFamilies[0] {
		kept = append(kept, keptField{fieldFamilies, "addresses of " + string(live.IPFamilies[0]) + " first", string(wanted.IPFamilies[0])})
		wanted.IPFamilies = primary(live.IPFamilies[0], len(wanted.IPFamilies))
	}
	return kept
}

func classText(class *string) string {
	if class == nil {
		return "no load balancer class"
	}
	return fmt.Sprintf("load balancer class %q", *class)
}

// primary returns as many families as are wanted, that one first.
func primary(family corev1.IPFamily, wanted int) []corev1.IPFamily {
	other := corev1.IPv4Protocol
	if family == corev1.IPv4Protocol {
		other = corev1.IPv6Protocol
	}
	return []corev1.IPFamily{family, other}[:min(wanted, 2)]
}
