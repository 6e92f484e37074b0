package store

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The names of the indexes of BackendTLSPolicies.
const (
	// PolicyByService finds policies by a Service that they target.
	PolicyByService = "fleetgate.service"
	// PolicyByGateway finds policies by a Gateway that their status names.
	PolicyByGateway = "fleetgate.gateway"
	// PolicyByConfigMap and PolicyBySecret find policies by where their
	// authorities come from.
	PolicyByConfigMap = "fleetgate.configmap"
	PolicyBySecret    = "fleetgate.secret"
)

func policyIndexes() []Index {
	index := func(name string, keys func(*gatewayv1.BackendTLSPolicy) []types.NamespacedName) Index {
		return Index{&gatewayv1.BackendTLSPolicy{}, name, func(obj client.Object) []string {
			return values(keys(obj.(*gatewayv1.BackendTLSPolicy)))
		}}
	}
	return []Index{
		index(PolicyByService, TargetServices), index(PolicyByGateway, AncestorGateways),
		index(PolicyByConfigMap, PolicyConfigMaps), index(PolicyBySecret, PolicySecrets),
	}
}

// TargetServices returns the Services that the policy targets, each once.
func TargetServices(policy *gatewayv1.BackendTLSPolicy) []types.NamespacedName {
	var keys []types.NamespacedName
	for i := range policy.Spec.TargetRefs {
		ref := &policy.Spec.TargetRefs[i]
		key := types.NamespacedName{Namespace: policy.Namespace, Name: string(ref.Name)}
		if ref.Group == "" && ref.Kind == "Service" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// AncestorGateways returns the Gateways that the policy's status speaks of,
// whoever wrote the entry.
func AncestorGateways(policy *gatewayv1.BackendTLSPolicy) []types.NamespacedName {
	refs := make([]gatewayv1.ParentReference, 0, len(policy.Status.Ancestors))
	for i := range policy.Status.Ancestors {
		refs = append(refs, policy.Status.Ancestors[i].AncestorRef)
	}
	return gatewaysOf(policy.Namespace, refs)
}

// PolicyConfigMaps returns the ConfigMaps that the policy names as authorities,
// each once.
func PolicyConfigMaps(policy *gatewayv1.BackendTLSPolicy) []types.NamespacedName {
	return authorities(policy, "ConfigMap")
}

// PolicySecrets returns the Secrets that the policy names as authorities, each
// once.
func PolicySecrets(policy *gatewayv1.BackendTLSPolicy) []types.NamespacedName {
	return authorities(policy, "Secret")
}

func authorities(policy *gatewayv1.BackendTLSPolicy, kind gatewayv1.Kind) []types.NamespacedName {
	var keys []types.NamespacedName
	for _, ref := range policy.Spec.Validation.CACertificateRefs {
		key := types.NamespacedName{Namespace: policy.Namespace, Name: string(ref.Name)}
		if ref.Group == "" && ref.Kind == kind && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Policies returns the BackendTLSPolicies whose status has an entry of the
// controller for the Gateway.
func Policies(ctx context.Context, r client.Reader, gateway types.NamespacedName, controllerName string) ([]*gatewayv1.BackendTLSPolicy, error) {
	var list gatewayv1.BackendTLSPolicyList
	if err := r.List(ctx, &list, client.MatchingFields{PolicyByGateway: gateway.String()}); err != nil {
		return nil, fmt.Errorf("listing the BackendTLSPolicies of %s: %w", gateway, err)
	}
	var found []*gatewayv1.BackendTLSPolicy
	for i := range list.Items {
		policy := &list.Items[i]
		if slices.ContainsFunc(policy.Status.Ancestors, func(entry gatewayv1.PolicyAncestorStatus) bool {
			key, ok := ParentGateway(policy.Namespace, &entry.AncestorRef)
			return ok && key == gateway && string(entry.ControllerName) == controllerName
		}) {
			found = append(found, policy)
		}
	}
	return found, nil
}

// policies finds the policies of the Services that the routes name, and the
// ConfigMaps that the policies name.
func (c *collector) policies() {
	for service := range c.backendKeys() {
		var list gatewayv1.BackendTLSPolicyList
		c.list(&list, client.MatchingFields{PolicyByService: service.String()})
		for i := range list.Items {
			c.out.BackendTLSPolicies[client.ObjectKeyFromObject(&list.Items[i])] = &list.Items[i]
		}
	}
	for _, policy := range c.out.BackendTLSPolicies {
		for _, key := range PolicyConfigMaps(policy) {
			if configMap := find(c, key, &corev1.ConfigMap{}); configMap != nil {
				c.out.ConfigMaps[key] = configMap
			}
		}
	}
}

// policyGateways returns the Gateways with a route to a Service that the policy
// targets, and those in its status.
func policyGateways(ctx context.Context, r client.Reader, policy *gatewayv1.BackendTLSPolicy) ([]types.NamespacedName, error) {
	keys := AncestorGateways(policy)
	for _, service := range TargetServices(policy) {
		byRoutes, err := routesGateways(ctx, r, client.MatchingFields{RouteByService: service.String()})
		if err != nil {
			return nil, err
		}
		keys = merge(keys, byRoutes)
	}
	return keys, nil
}

// withAuthority returns the Gateways that a policy touches which takes its
// authorities from the object.
func withAuthority(ctx context.Context, r client.Reader, index string, object types.NamespacedName) ([]types.NamespacedName, error) {
	var list gatewayv1.BackendTLSPolicyList
	if err := r.List(ctx, &list, client.MatchingFields{index: object.String()}); err != nil {
		return nil, fmt.Errorf("listing BackendTLSPolicies: %w", err)
	}
	var keys []types.NamespacedName
	for i := range list.Items {
		touched, err := policyGateways(ctx, r, &list.Items[i])
		if err != nil {
			return nil, err
		}
		keys = merge(keys, touched)
	}
	return keys, nil
}

// withSecret returns the Gateways that name the Secret, or that a policy touches
// which does.
func withSecret(ctx context.Context, r client.Reader, secret types.NamespacedName) ([]types.NamespacedName, error) {
	byPolicies, err := withAuthority(ctx, r, PolicyBySecret, secret)
	if err != nil {
		return nil, err
	}
	own, err := gatewaysBy(ctx, r, GatewayBySecret, secret.String())
	return merge(own, byPolicies), err
}
