package graph

import gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

// Policy is a BackendTLSPolicy that targets a Service to which a route of the
// Gateway leads.
type Policy struct {
	PolicyNode
	Source *gatewayv1.BackendTLSPolicy
	// TLS is what the policy asks for. It is never nil: where the policy is not
	// valid, it says so, and its backends are not reached at all.
	TLS *BackendTLS
}

func (p *Policy) unresolved(reason gatewayv1.PolicyConditionReason, format string, args ...any) {
	p.Problems.Add(string(gatewayv1.BackendTLSPolicyConditionResolvedRefs), string(reason), format, args...)
}

// invalidate has the backends not reached where the policy is not valid.
func (p *Policy) invalidate() {
	p.TLS.Invalid = p.Problems.Message(string(gatewayv1.PolicyConditionAccepted))
}

func (p *Policy) refs() []gatewayv1.LocalPolicyTargetReferenceWithSectionName {
	return p.Source.Spec.TargetRefs
}

// policies validates the policies, each by itself, and decides which of them
// apply (BackendTLSPolicySpec.targetRefs). One that is not valid applies all the
// same.
func (b *builder) policies() []*Policy {
	var all []*Policy
	for _, source := range b.in.BackendTLSPolicies {
		policy := newPolicy(source)
		if !b.checkBroken(&policy.PolicyNode) {
			b.readPolicy(policy)
		}
		policy.invalidate()
		all = append(all, policy)
	}
	b.targets = contest(b, all)
	return all
}

// policyOf returns the policy of a Service's port, or nil. One that names the
// port beats one that names the Service alone. There is no TLS for datagrams.
func (b *builder) policyOf(key BackendKey, portName string) *Policy {
	if key.Transport == Datagrams {
		return nil
	}
	if portName != "" {
		if policy := b.targets[target{service: key.Service, port: portName}]; policy != nil {
			return policy
		}
	}
	return b.targets[target{service: key.Service}]
}
