package status

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// Policy is the desired status of a policy, or of an XBackend, as far as one Gateway
// is concerned.
type Policy struct {
	Kind string
	Name types.NamespacedName
	// Gateway and Controller say which of the policy's ancestors is spoken of.
	Gateway    types.NamespacedName
	Controller gatewayv1.GatewayController
	// Ancestor is the entry to have. Nil removes the one that is there.
	Ancestor *gatewayv1.PolicyAncestorStatus
}

// resolvingPolicy adds what is said of policies that refer to other objects.
func (b *builder) resolvingPolicy(policy *graph.PolicyNode) Policy {
	out := b.policy(policy)
	out.Ancestor.Conditions = append(out.Ancestor.Conditions, policyCondition(policy, string(gatewayv1.BackendTLSPolicyConditionResolvedRefs),
		string(gatewayv1.BackendTLSPolicyReasonResolvedRefs), "All references are resolved"))
	return out
}

func (b *builder) policy(policy *graph.PolicyNode) Policy {
	name := b.gateway.Name()
	out := Policy{Kind: policy.Kind, Name: policy.Name(), Gateway: name, Controller: b.gateway.Class.Source.Spec.ControllerName}
	out.Ancestor = &gatewayv1.PolicyAncestorStatus{
		AncestorRef: gatewayv1.ParentReference{
			Group:     new(gatewayv1.Group(gatewayv1.GroupName)),
			Kind:      new(gatewayv1.Kind("Gateway")),
			Namespace: new(gatewayv1.Namespace(name.Namespace)),
			Name:      gatewayv1.ObjectName(name.Name),
		},
		ControllerName: out.Controller,
		Conditions: []metav1.Condition{
			policyCondition(policy, string(gatewayv1.PolicyConditionAccepted),
				string(gatewayv1.PolicyReasonAccepted), note("The "+noun(policy.Kind)+" is accepted", policy.Notes)),
		},
	}
	return out
}

func policyCondition(policy *graph.PolicyNode, typ, fine, message string) metav1.Condition {
	generation := policy.Meta.Generation
	if problem, bad := policy.Problems.First(typ); bad {
		return condition(typ, metav1.ConditionFalse, problem.Reason, policy.Problems.Message(typ), generation)
	}
	return condition(typ, metav1.ConditionTrue, fine, message, generation)
}

func noun(kind string) string {
	if kind == store.KindXBackend {
		return "backend"
	}
	return "policy"
}

// MergePolicy brings want into the ancestors that a policy's status has, and
// returns the result with whether it differs, as MergeRoute does. An entry for
// which there is no room is left out (PolicyStatus.ancestors).
func MergePolicy(live []gatewayv1.PolicyAncestorStatus, want *Policy, at conditions.Moment) ([]gatewayv1.PolicyAncestorStatus, bool) {
	merged := make([]gatewayv1.PolicyAncestorStatus, 0, len(live)+1)
	missing := want.Ancestor != nil
	for _, have := range live {
		switch {
		case !want.owns(&have):
			merged = append(merged, have)
		case missing:
			merged = append(merged, mergeAncestor(have.Conditions, *want.Ancestor, at))
			missing = false
		}
	}
	if missing && len(merged) < store.MaxAncestors(want.Kind) {
		merged = append(merged, mergeAncestor(nil, *want.Ancestor, at))
	}
	return merged, !equality.Semantic.DeepEqual(live, merged)
}

// LeftOut says whether there was no room for the entry among those that a merge has
// left.
func (p *Policy) LeftOut(merged []gatewayv1.PolicyAncestorStatus) bool {
	return p.Ancestor != nil && !slices.ContainsFunc(merged, func(entry gatewayv1.PolicyAncestorStatus) bool { return p.owns(&entry) })
}

func mergeAncestor(live []metav1.Condition, want gatewayv1.PolicyAncestorStatus, at conditions.Moment) gatewayv1.PolicyAncestorStatus {
	want.Conditions, _ = conditions.Merge(live, want.Conditions, policyConditions(), at)
	return want
}

// owns says whether the entry is ours for the Gateway.
func (p *Policy) owns(entry *gatewayv1.PolicyAncestorStatus) bool {
	ref := &entry.AncestorRef
	namespace := gatewayv1.Namespace(p.Name.Namespace)
	if ref.Namespace != nil {
		namespace = *ref.Namespace
	}
	return entry.ControllerName == p.Controller &&
		(ref.Group == nil || *ref.Group == gatewayv1.GroupName) &&
		(ref.Kind == nil || *ref.Kind == "Gateway") &&
		string(ref.Name) == p.Gateway.Name && string(namespace) == p.Gateway.Namespace
}

func policyConditions() []string {
	return []string{
		string(gatewayv1.PolicyConditionAccepted),
		string(gatewayv1.BackendTLSPolicyConditionResolvedRefs),
		ConditionUnresolved,
	}
}
