package main

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"
)

// policy is one of the backend that all routes of a tenant lead to: with each change of
// it, all of them are translated anew.
func policy(namespace, name string, percent int) *gatewayxv1alpha1.XBackendTrafficPolicy {
	return &gatewayxv1alpha1.XBackendTrafficPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: gatewayxv1alpha1.GroupVersion.String(), Kind: "XBackendTrafficPolicy"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: gatewayxv1alpha1.BackendTrafficPolicySpec{
			TargetRefs:      []gatewayv1.LocalPolicyTargetReference{{Kind: "Service", Name: backendName}},
			RetryConstraint: &gatewayxv1alpha1.RetryConstraint{Budget: &gatewayxv1alpha1.BudgetDetails{Percent: &percent}},
		},
	}
}

// repolicies changes a policy, which is made by the first change.
func (b *bench) repolicies(namespace, name string) restless {
	return func(ctx context.Context, i int) error {
		return b.Client.Patch(ctx, policy(namespace, name, 1+i%50), ctrlclient.Apply, ctrlclient.FieldOwner("bench-fleet"), ctrlclient.ForceOwnership)
	}
}
