package main

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// markPatch changes the value that a filter of the first rule sets.
func markPatch(filter int, mark string) ctrlclient.Patch {
	return ctrlclient.RawPatch(types.JSONPatchType, fmt.Appendf(nil,
		`[{"op":"replace","path":"/spec/rules/0/filters/%d/responseHeaderModifier/set/0/value","value":%q}]`, filter, mark))
}

// accepted is a condition as another controller would write it.
func accepted(generation int64) metav1.Condition {
	return metav1.Condition{
		Type: string(gatewayv1.RouteConditionAccepted), Status: metav1.ConditionTrue, Reason: string(gatewayv1.RouteReasonAccepted),
		ObservedGeneration: generation, LastTransitionTime: metav1.Now(),
	}
}
