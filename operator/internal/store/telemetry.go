package store

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
)

func telemetryIndexes() []Index {
	index := func(name string, values func(*gatewayxv1alpha1.XTelemetryPolicy) []string) Index {
		return Index{&gatewayxv1alpha1.XTelemetryPolicy{}, name, func(obj client.Object) []string {
			return values(obj.(*gatewayxv1alpha1.XTelemetryPolicy))
		}}
	}
	return []Index{
		index(PolicyByCollector, func(p *gatewayxv1alpha1.XTelemetryPolicy) []string { return values(CollectorServices(p)) }),
		index(PolicyByXBackend, func(p *gatewayxv1alpha1.XTelemetryPolicy) []string { return values(CollectorXBackends(p)) }),
		index(ByForeignNamespace, func(p *gatewayxv1alpha1.XTelemetryPolicy) []string {
			return foreign(p.Namespace, CollectorServices(p))
		}),
	}
}

// TargetGateways returns the Gateways that the policy targets, each once. Only
// telemetry policies have any.
func TargetGateways(policy Policy) []types.NamespacedName {
	telemetry, ok := policy.(*gatewayxv1alpha1.XTelemetryPolicy)
	if !ok {
		return nil
	}
	var keys []types.NamespacedName
	for _, ref := range telemetry.Spec.TargetRefs {
		key := types.NamespacedName{Namespace: telemetry.Namespace, Name: string(ref.Name)}
		if ref.Group == gatewayv1.GroupName && ref.Kind == "Gateway" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// CollectorServices returns the Service that the policy sends spans to, or
// nothing.
func CollectorServices(policy *gatewayxv1alpha1.XTelemetryPolicy) []types.NamespacedName {
	return collectorOf(policy, "", "Service")
}

// CollectorXBackends is CollectorServices for an XBackend, as XBackends has them.
func CollectorXBackends(policy *gatewayxv1alpha1.XTelemetryPolicy) []types.NamespacedName {
	return within(policy.Namespace, collectorOf(policy, gatewayxv1alpha1.GroupName, KindXBackend))
}

func collectorOf(policy *gatewayxv1alpha1.XTelemetryPolicy, group, kind string) []types.NamespacedName {
	ref := &policy.Spec.Tracing.Provider.BackendRef
	if ref.Name == "" || or(ref.Group, "") != group || or(ref.Kind, "Service") != kind {
		return nil
	}
	return []types.NamespacedName{{Namespace: or(ref.Namespace, policy.Namespace), Name: string(ref.Name)}}
}

// telemetryPolicies finds the telemetry policies that target the Gateway. The
// index holds those that only their status ties to it, too.
func (c *collector) telemetryPolicies(gateway types.NamespacedName) {
	var list gatewayxv1alpha1.XTelemetryPolicyList
	c.list(&list, client.MatchingFields{PolicyByGateway: gateway.String()})
	for i := range list.Items {
		if slices.Contains(TargetGateways(&list.Items[i]), gateway) {
			c.policy(&list.Items[i])
		}
	}
}

// telemetryGateways returns the Gateways that the listed telemetry policies
// target.
func telemetryGateways(ctx context.Context, r client.Reader, opts ...client.ListOption) ([]types.NamespacedName, error) {
	var list gatewayxv1alpha1.XTelemetryPolicyList
	if err := r.List(ctx, &list, opts...); err != nil {
		return nil, fmt.Errorf("listing XTelemetryPolicies: %w", err)
	}
	var keys []types.NamespacedName
	for i := range list.Items {
		keys = merge(keys, TargetGateways(&list.Items[i]))
	}
	return keys, nil
}
