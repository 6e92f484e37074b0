package graph

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// PolicyNode is what policies of all kinds have.
type PolicyNode struct {
	Kind string
	Meta *metav1.ObjectMeta
	// Problems break the policy's conditions.
	Problems conditions.Problems
	// Notes name what is not supported and does no harm without.
	Notes []string
}

// Name returns the policy's namespace and name.
func (p *PolicyNode) Name() types.NamespacedName {
	return types.NamespacedName{Namespace: p.Meta.Namespace, Name: p.Meta.Name}
}

func (p *PolicyNode) refuse(reason gatewayv1.PolicyConditionReason, format string, args ...any) {
	p.Problems.Add(string(gatewayv1.PolicyConditionAccepted), string(reason), format, args...)
}

// checkRoom refuses a policy in whose status there is no room for the Gateway: it
// must not be applied there (PolicyStatus.ancestors).
func (b *builder) checkRoom(p *PolicyNode, source store.Policy) {
	own := types.NamespacedName{Namespace: b.in.Gateway.Namespace, Name: b.in.Gateway.Name}
	if store.Crowded(source, own, b.opts.ControllerName) {
		p.refuse(gatewayv1.PolicyReasonInvalid, "the status has as many entries as it can, so that the policy does not apply to Gateway %s", own)
	}
}

func (p *PolicyNode) node() *PolicyNode { return p }

// attached is a policy of any kind.
type attached interface {
	node() *PolicyNode
	refs() []gatewayv1.LocalPolicyTargetReferenceWithSectionName
}

// target is what a policy applies to. An empty port stands for all ports of a
// Service that have no policy of their own.
type target struct {
	// kind is empty for a Service, and service the name whatever the kind, as in a
	// BackendKey.
	kind    string
	service types.NamespacedName
	port    string
}

// contest decides which of the policies of one kind apply: of several for one target
// the oldest, then the one whose "namespace/name" comes first (GEP-713). It leaves
// them sorted by namespace and name.
func contest[P attached](b *builder, all []P) map[target]P {
	slices.SortFunc(all, func(x, y P) int {
		return cmp.Or(
			x.node().Meta.CreationTimestamp.Compare(y.node().Meta.CreationTimestamp.Time),
			cmp.Compare(x.node().Name().String(), y.node().Name().String()),
		)
	})
	taken := make(map[target]P)
	for _, policy := range all {
		b.takeTargets(policy.node(), policy.refs(), func(at target) *PolicyNode {
			if winner, is := taken[at]; is {
				return winner.node()
			}
			taken[at] = policy
			return nil
		})
	}
	slices.SortFunc(all, func(x, y P) int { return compareNames(x.node().Name(), y.node().Name()) })
	return taken
}

// reached keeps the policies of backends that a route of the Gateway may lead to.
// Anybody can name a Service in a route; without its namespace's leave that says
// nothing about the policy, and must not fill its status.
func reached[P attached](b *builder, all []P) []P {
	if len(all) == 0 {
		return all
	}
	targets := make(map[target]struct{})
	for key := range b.backends {
		targets[target{kind: key.Kind, service: key.Service}] = struct{}{}
	}
	return slices.DeleteFunc(all, func(policy P) bool {
		return !slices.ContainsFunc(policy.refs(), func(ref gatewayv1.LocalPolicyTargetReferenceWithSectionName) bool {
			at, _ := policy.node().targetAt(&ref)
			_, found := targets[target{kind: at.kind, service: at.service}]
			return found
		})
	})
}

// takeTargets enters the policy at its targets; take returns who has one already.
// One that gets none of them is in conflict; one that gets some says which others
// it did not get.
func (b *builder) takeTargets(policy *PolicyNode, refs []gatewayv1.LocalPolicyTargetReferenceWithSectionName, take func(target) *PolicyNode) {
	var lost []string
	found, won := false, false
	for i := range refs {
		at, known := b.targetOf(policy, i, &refs[i])
		if !known {
			continue
		}
		found = true
		winner := take(at)
		if winner == nil {
			won = true
			continue
		}
		lost = append(lost, string(refs[i].Kind)+" "+string(refs[i].Name)+" is targeted by "+winner.Kind+" "+winner.Name().String()+", which takes precedence")
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

// targetAt returns what the reference means, and false for a kind that policies of
// the kind do not apply to. An XBackend has its TLS in itself.
func (p *PolicyNode) targetAt(ref *gatewayv1.LocalPolicyTargetReferenceWithSectionName) (target, bool) {
	at := target{
		service: types.NamespacedName{Namespace: p.Meta.Namespace, Name: string(ref.Name)},
		port:    string(value(ref.SectionName, "")),
	}
	if ref.Group == gatewayxv1alpha1.GroupName && ref.Kind == store.KindXBackend && p.Kind == store.KindTrafficPolicy {
		at.kind = store.KindXBackend
		return at, true
	}
	return at, ref.Group == "" && ref.Kind == "Service"
}

// targetOf returns a target of the policy, and false when it does not exist, is
// of another kind, or is nothing that a route of the Gateway names.
func (b *builder) targetOf(policy *PolicyNode, i int, ref *gatewayv1.LocalPolicyTargetReferenceWithSectionName) (target, bool) {
	at, known := policy.targetAt(ref)
	if !known {
		policy.Notes = append(policy.Notes, "spec.targetRefs["+itoa(int32(i))+"] is no Service and has no effect")
		return target{}, false
	}
	if at.kind != "" {
		return at, b.in.XBackends[at.service] != nil
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
