package store

import (
	"context"
	"fmt"
	"slices"

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
	return parentsOf(policy.Namespace, refs, ParentGateway)
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

// ClientCertificate returns the Secret that the Gateway names as what it presents
// to backends, or nothing.
func ClientCertificate(gateway *gatewayv1.Gateway) []types.NamespacedName {
	tls := gateway.Spec.TLS
	if tls == nil || tls.Backend == nil || tls.Backend.ClientCertificateRef == nil {
		return nil
	}
	ref := tls.Backend.ClientCertificateRef
	if !is(ref.Group, "") || !is(ref.Kind, "Secret") {
		return nil
	}
	return []types.NamespacedName{{Namespace: or(ref.Namespace, gateway.Namespace), Name: string(ref.Name)}}
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

// policies finds the policies of the Services that the routes name.
func (c *collector) policies() {
	for service := range c.backendKeys() {
		var list gatewayv1.BackendTLSPolicyList
		c.list(&list, client.MatchingFields{PolicyByService: service.String()})
		for i := range list.Items {
			c.out.BackendTLSPolicies[client.ObjectKeyFromObject(&list.Items[i])] = &list.Items[i]
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
