package store

import (
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
)

// The kinds of policies.
const (
	KindBackendTLSPolicy = "BackendTLSPolicy"
	KindTrafficPolicy    = "XBackendTrafficPolicy"
	KindTelemetryPolicy  = "XTelemetryPolicy"
)

// Policy is an object of one of the PolicyKinds.
type Policy = client.Object

// PolicyKey identifies a policy.
type PolicyKey struct {
	Kind string
	types.NamespacedName
}

// PolicyKind is a kind of policies, which target Services or Gateways. A cluster
// need not have any of them.
type PolicyKind struct {
	// Name is the kind, such as "BackendTLSPolicy".
	Name string
	// New returns an empty object of the kind.
	New func() Policy
	// NewList returns an empty list of the kind.
	NewList func() client.ObjectList
}

// PolicyKinds returns all kinds of policies, in the order of their names.
func PolicyKinds() []PolicyKind {
	return []PolicyKind{
		{
			Name:    KindBackendTLSPolicy,
			New:     func() Policy { return &gatewayv1.BackendTLSPolicy{} },
			NewList: func() client.ObjectList { return &gatewayv1.BackendTLSPolicyList{} },
		},
		{
			Name:    KindTrafficPolicy,
			New:     func() Policy { return &gatewayxv1alpha1.XBackendTrafficPolicy{} },
			NewList: func() client.ObjectList { return &gatewayxv1alpha1.XBackendTrafficPolicyList{} },
		},
		{
			Name:    KindTelemetryPolicy,
			New:     func() Policy { return &gatewayxv1alpha1.XTelemetryPolicy{} },
			NewList: func() client.ObjectList { return &gatewayxv1alpha1.XTelemetryPolicyList{} },
		},
	}
}

// policyParts are those that all kinds of policies have.
type policyParts struct {
	kind    string
	targets []gatewayv1.LocalPolicyTargetReference
	status  *gatewayv1.PolicyStatus
}

// policyPartsOf returns the parts of a policy, and false for an object that is
// none. An XBackend counts as one without targets, for its status.
func policyPartsOf(obj client.Object) (policyParts, bool) {
	switch p := obj.(type) {
	case *gatewayv1.BackendTLSPolicy:
		targets := make([]gatewayv1.LocalPolicyTargetReference, len(p.Spec.TargetRefs))
		for i := range p.Spec.TargetRefs {
			targets[i] = p.Spec.TargetRefs[i].LocalPolicyTargetReference
		}
		return policyParts{KindBackendTLSPolicy, targets, &p.Status}, true
	case *gatewayxv1alpha1.XBackendTrafficPolicy:
		return policyParts{KindTrafficPolicy, p.Spec.TargetRefs, &p.Status}, true
	case *gatewayxv1alpha1.XBackend:
		return policyParts{kind: KindXBackend}, true
	case *gatewayxv1alpha1.XTelemetryPolicy:
		targets := make([]gatewayv1.LocalPolicyTargetReference, len(p.Spec.TargetRefs))
		for i, ref := range p.Spec.TargetRefs {
			targets[i] = gatewayv1.LocalPolicyTargetReference(ref)
		}
		return policyParts{KindTelemetryPolicy, targets, (*gatewayv1.PolicyStatus)(&p.Status)}, true
	}
	return policyParts{}, false
}

// PolicyKeyOf returns the key of a policy, and false for an object that is none.
func PolicyKeyOf(obj client.Object) (PolicyKey, bool) {
	parts, ok := policyPartsOf(obj)
	return PolicyKey{Kind: parts.kind, NamespacedName: client.ObjectKeyFromObject(obj)}, ok
}

// ReportedKinds are the kinds whose status has an entry for each of several
// Gateways: those of policies, and XBackends.
func ReportedKinds() []PolicyKind {
	return append(PolicyKinds(), PolicyKind{
		Name:    KindXBackend,
		New:     func() Policy { return &gatewayxv1alpha1.XBackend{} },
		NewList: func() client.ObjectList { return &gatewayxv1alpha1.XBackendList{} },
	})
}

// AncestorsOf returns the entries in the status of an object of one of the
// ReportedKinds.
func AncestorsOf(obj Policy) []gatewayv1.PolicyAncestorStatus {
	if backend, is := obj.(*gatewayxv1alpha1.XBackend); is {
		return xbackendAncestors(backend)
	}
	parts, _ := policyPartsOf(obj)
	return parts.status.Ancestors
}
