package store

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
)

// The names of the indexes of policies. Those by a ConfigMap, by a Secret and by a
// ClusterTrustBundle are of BackendTLSPolicies and XBackends alone, those by a
// collector of XTelemetryPolicies; the latter are in ByForeignNamespace, too.
const (
	// PolicyByService finds policies by a Service that they target.
	PolicyByService = "fleetgate.service"
	// PolicyByXBackend finds XBackendTrafficPolicies by an XBackend that they target,
	// and XTelemetryPolicies by one that they send spans to.
	PolicyByXBackend = "fleetgate.xbackend"
	// PolicyByGateway finds policies by a Gateway that they target or that their
	// status names.
	PolicyByGateway = "fleetgate.gateway"
	// PolicyByConfigMap, PolicyBySecret and PolicyByTrustBundle find policies by
	// where their authorities come from.
	PolicyByConfigMap   = "fleetgate.configmap"
	PolicyBySecret      = "fleetgate.secret"
	PolicyByTrustBundle = "fleetgate.clustertrustbundle"
	// PolicyByCollector finds policies by the Service that they send spans to.
	PolicyByCollector = "fleetgate.collector"
)

func policyIndexes() []Index {
	index := func(name string, keys func(*gatewayv1.BackendTLSPolicy) []types.NamespacedName) Index {
		return Index{&gatewayv1.BackendTLSPolicy{}, name, func(obj client.Object) []string {
			return values(keys(obj.(*gatewayv1.BackendTLSPolicy)))
		}}
	}
	all := append(telemetryIndexes(),
		index(PolicyByConfigMap, PolicyConfigMaps), index(PolicyBySecret, PolicySecrets), index(PolicyByTrustBundle, PolicyTrustBundles))
	all = append(all, Index{&gatewayxv1alpha1.XBackendTrafficPolicy{}, PolicyByXBackend, func(obj client.Object) []string {
		return values(TargetXBackends(obj))
	}})
	for _, kind := range PolicyKinds() {
		all = append(all,
			Index{kind.New(), PolicyByService, func(obj client.Object) []string { return values(TargetServices(obj)) }},
			Index{kind.New(), PolicyByGateway, func(obj client.Object) []string { return values(merge(TargetGateways(obj), AncestorGateways(obj))) }},
		)
	}
	return all
}

// TargetServices returns the Services that the policy targets, each once. A
// telemetry policy is about Gateways alone: by a Service it must not get to those
// that send something there, which are other people's.
func TargetServices(policy Policy) []types.NamespacedName {
	if _, is := policy.(*gatewayxv1alpha1.XTelemetryPolicy); is {
		return nil
	}
	return targetsOf(policy, "", "Service")
}

// TargetXBackends returns the XBackends that the policy targets, each once: those of
// an XBackendTrafficPolicy. An XBackend has its TLS in itself.
func TargetXBackends(policy Policy) []types.NamespacedName {
	if _, is := policy.(*gatewayxv1alpha1.XBackendTrafficPolicy); !is {
		return nil
	}
	return targetsOf(policy, gatewayxv1alpha1.GroupName, KindXBackend)
}

func targetsOf(policy Policy, group gatewayv1.Group, kind gatewayv1.Kind) (keys []types.NamespacedName) {
	parts, _ := policyPartsOf(policy)
	for _, ref := range parts.targets {
		key := types.NamespacedName{Namespace: policy.GetNamespace(), Name: string(ref.Name)}
		if ref.Group == group && ref.Kind == kind && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// AncestorGateways returns the Gateways that the policy's status speaks of,
// whoever wrote the entry.
func AncestorGateways(policy Policy) []types.NamespacedName {
	ancestors := AncestorsOf(policy)
	refs := make([]gatewayv1.ParentReference, 0, len(ancestors))
	for i := range ancestors {
		refs = append(refs, ancestors[i].AncestorRef)
	}
	return parentsOf(policy.GetNamespace(), refs, ParentGateway)
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

// Policies returns the policies of all kinds, and the XBackends, whose status has an
// entry of the controller for the Gateway.
func Policies(ctx context.Context, r client.Reader, gateway types.NamespacedName, controllerName string) ([]Policy, error) {
	var found []Policy
	for _, kind := range ReportedKinds() {
		list := kind.NewList()
		if err := r.List(ctx, list, client.MatchingFields{PolicyByGateway: gateway.String()}); err != nil {
			return nil, fmt.Errorf("listing the policies of %s, kind %s: %w", gateway, kind.Name, err)
		}
		each(list, func(policy Policy) {
			if reports(policy, gateway, controllerName) {
				found = append(found, policy)
			}
		})
	}
	return found, nil
}

func reports(policy Policy, gateway types.NamespacedName, controllerName string) bool {
	return slices.ContainsFunc(AncestorsOf(policy), func(entry gatewayv1.PolicyAncestorStatus) bool {
		key, ok := ParentGateway(policy.GetNamespace(), &entry.AncestorRef)
		return ok && key == gateway && string(entry.ControllerName) == controllerName
	})
}

// MaxAncestors is how many entries the schema allows in the status of an object of
// one of the ReportedKinds.
func MaxAncestors(kind string) int {
	if kind == KindXBackend {
		return 32
	}
	return 16
}

// Full says whether the status has as many entries as it can.
func Full(policy Policy) bool {
	key, _ := PolicyKeyOf(policy)
	return len(AncestorsOf(policy)) >= MaxAncestors(key.Kind)
}

// Crowded says whether there is no room in the policy's status for what the
// controller has to say of it for the Gateway.
func Crowded(policy Policy, gateway types.NamespacedName, controllerName string) bool {
	return Full(policy) && !reports(policy, gateway, controllerName)
}

// policies finds the policies of the Services that something is sent to.
func (c *collector) policies() {
	for _, kind := range PolicyKinds() {
		// Most clusters have none, and a Gateway may send to thousands of Services.
		any := kind.NewList()
		if c.list(any, client.Limit(1)); meta.LenList(any) == 0 {
			continue
		}
		for service := range c.backendKeys() {
			list := kind.NewList()
			c.list(list, client.MatchingFields{PolicyByService: service.String()})
			each(list, c.policy)
		}
	}
}

func (c *collector) policy(policy Policy) {
	key := client.ObjectKeyFromObject(policy)
	switch policy := policy.(type) {
	case *gatewayv1.BackendTLSPolicy:
		c.out.BackendTLSPolicies[key] = policy
	case *gatewayxv1alpha1.XBackendTrafficPolicy:
		c.out.TrafficPolicies[key] = policy
	case *gatewayxv1alpha1.XTelemetryPolicy:
		c.out.TelemetryPolicies[key] = policy
	}
}

// policyGateways returns the Gateways that the policy targets, those that send
// something to a Service or an XBackend that it targets, and those in its status.
func policyGateways(ctx context.Context, r client.Reader, policy Policy) ([]types.NamespacedName, error) {
	keys := merge(TargetGateways(policy), AncestorGateways(policy))
	for _, service := range TargetServices(policy) {
		senders, err := withService(ctx, r, service)
		if err != nil {
			return nil, err
		}
		keys = merge(keys, senders)
	}
	for _, name := range TargetXBackends(policy) {
		backend := &gatewayxv1alpha1.XBackend{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
		senders, err := xbackendGateways(ctx, r, backend)
		if err != nil {
			return nil, err
		}
		keys = merge(keys, senders)
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
