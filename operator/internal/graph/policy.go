package graph

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

// Policy is a BackendTLSPolicy that targets a Service to which a route of the
// Gateway leads.
type Policy struct {
	Source *gatewayv1.BackendTLSPolicy
	// TLS is what the policy asks for. It is never nil: where the policy is not
	// valid, it says so, and its backends are not reached at all.
	TLS *BackendTLS
	// Problems break Accepted or ResolvedRefs.
	Problems conditions.Problems
	// Notes name what is not supported and does no harm without.
	Notes []string
}

// Name returns the policy's namespace and name.
func (p *Policy) Name() types.NamespacedName {
	return types.NamespacedName{Namespace: p.Source.Namespace, Name: p.Source.Name}
}

func (p *Policy) refuse(reason gatewayv1.PolicyConditionReason, format string, args ...any) {
	p.Problems.Add(string(gatewayv1.PolicyConditionAccepted), string(reason), format, args...)
}

func (p *Policy) unresolved(reason gatewayv1.PolicyConditionReason, format string, args ...any) {
	p.Problems.Add(string(gatewayv1.BackendTLSPolicyConditionResolvedRefs), string(reason), format, args...)
}

// target is what a policy applies to. An empty port stands for all ports of the
// Service that have no policy of their own.
type target struct {
	service types.NamespacedName
	port    string
}

// policies validates the policies, each by itself, and decides which of them
// apply: of several for one target the oldest, then the one whose
// "namespace/name" comes first (BackendTLSPolicySpec.targetRefs). One that is not
// valid applies all the same.
func (b *builder) policies() []*Policy {
	var all []*Policy
	for _, source := range b.in.BackendTLSPolicies {
		all = append(all, b.policy(source))
	}
	slices.SortFunc(all, func(x, y *Policy) int {
		return cmp.Or(
			x.Source.CreationTimestamp.Compare(y.Source.CreationTimestamp.Time),
			cmp.Compare(x.Name().String(), y.Name().String()),
		)
	})
	b.targets = make(map[target]*Policy)
	for _, policy := range all {
		b.target(policy)
	}
	slices.SortFunc(all, func(x, y *Policy) int { return compareNames(x.Name(), y.Name()) })
	return all
}

// target enters the policy at its targets. One that gets none of them is in
// conflict; one that gets some says which others it did not get.
func (b *builder) target(policy *Policy) {
	var lost []string
	found, won := false, false
	for i := range policy.Source.Spec.TargetRefs {
		ref := &policy.Source.Spec.TargetRefs[i]
		at, known := b.targetOf(policy, i)
		if !known {
			continue
		}
		found = true
		winner, taken := b.targets[at]
		if !taken {
			b.targets[at], won = policy, true
			continue
		}
		lost = append(lost, "Service "+string(ref.Name)+" is targeted by BackendTLSPolicy "+winner.Name().String()+", which takes precedence")
	}
	switch {
	case found && !won:
		// It comes first: what else is wrong with the policy hurts nobody.
		own := policy.Problems
		policy.Problems = nil
		policy.refuse(gatewayv1.PolicyReasonConflicted, "%s", conditions.Join(lost))
		policy.Problems = append(policy.Problems, own...)
	case !found:
		policy.refuse(gatewayv1.PolicyReasonTargetNotFound,
			"spec.targetRefs has no target that exists and that a route of the Gateway leads to")
	}
	policy.Notes = append(policy.Notes, lost...)
}

// targetOf returns a target of the policy, and false when it does not exist, is
// of another kind, or is nothing that a route of the Gateway leads to.
func (b *builder) targetOf(policy *Policy, i int) (target, bool) {
	ref := &policy.Source.Spec.TargetRefs[i]
	if ref.Group != "" || ref.Kind != "Service" {
		policy.Notes = append(policy.Notes, "spec.targetRefs["+itoa(int32(i))+"] is no Service and has no effect")
		return target{}, false
	}
	at := target{
		service: types.NamespacedName{Namespace: policy.Source.Namespace, Name: string(ref.Name)},
		port:    string(value(ref.SectionName, "")),
	}
	service := b.in.Services[at.service]
	if service == nil {
		return at, false
	}
	if at.port == "" {
		return at, true
	}
	for j := range service.Spec.Ports {
		if service.Spec.Ports[j].Name == at.port {
			return at, true
		}
	}
	return at, false
}

// policyOf returns the policy of a Service's port, or nil. One that names the
// port beats one that names the Service alone. There is no TLS for datagrams.
func (b *builder) policyOf(key BackendKey, portName string) *Policy {
	if key.Transport == Datagrams {
		return nil
	}
	if portName != "" {
		if policy := b.targets[target{key.Service, portName}]; policy != nil {
			return policy
		}
	}
	return b.targets[target{service: key.Service}]
}
