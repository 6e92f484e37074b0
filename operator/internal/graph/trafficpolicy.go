package graph

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// TrafficPolicy is an XBackendTrafficPolicy that targets a Service or an XBackend to
// which a route of the Gateway leads. One that is not valid has no effect.
type TrafficPolicy struct {
	PolicyNode
	Source *gatewayxv1alpha1.XBackendTrafficPolicy
	// RetryBudget is nil for the default.
	RetryBudget *proxyconfig.RetryBudget
	// Session is nil where the backend keeps no sessions.
	Session *proxyconfig.Session
}

func (p *TrafficPolicy) refs() []gatewayv1.LocalPolicyTargetReferenceWithSectionName {
	out := make([]gatewayv1.LocalPolicyTargetReferenceWithSectionName, len(p.Source.Spec.TargetRefs))
	for i, ref := range p.Source.Spec.TargetRefs {
		out[i].LocalPolicyTargetReference = ref
	}
	return out
}

// trafficPolicies validates the policies, each by itself, and decides which of
// them apply.
func (b *builder) trafficPolicies() []*TrafficPolicy {
	var all []*TrafficPolicy
	for _, source := range b.in.TrafficPolicies {
		all = append(all, b.trafficPolicy(source))
	}
	b.traffic = contest(b, all)
	return all
}

func (b *builder) trafficPolicy(source *gatewayxv1alpha1.XBackendTrafficPolicy) *TrafficPolicy {
	p := &TrafficPolicy{PolicyNode: PolicyNode{Kind: store.KindTrafficPolicy, Meta: &source.ObjectMeta}, Source: source}
	if b.checkBroken(&p.PolicyNode) {
		return p
	}
	if source.Spec.RetryConstraint != nil {
		p.readRetryConstraint(source.Spec.RetryConstraint)
	}
	if source.Spec.SessionPersistence != nil {
		session, problems := readSession(source.Spec.SessionPersistence, p.Kind+"/"+p.Name().String())
		for _, problem := range problems {
			p.refuse(gatewayv1.PolicyReasonInvalid, "spec.sessionPersistence%s", problem)
		}
		p.Session = session
	}
	if p.Session != nil {
		p.Session.Shared = true
		b.checkPolicyAffinity(p)
	}
	b.checkRoom(&p.PolicyNode, source)
	if len(p.Problems) > 0 {
		p.RetryBudget, p.Session = nil, nil
	}
	return p
}

// checkPolicyAffinity refuses sessions of a Service that keeps some by itself: the
// two would not agree (GEP-1619, Session Affinity in K8S Services).
func (b *builder) checkPolicyAffinity(p *TrafficPolicy) {
	for i, ref := range p.Source.Spec.TargetRefs {
		name := types.NamespacedName{Namespace: p.Meta.Namespace, Name: string(ref.Name)}
		if ref.Group == gatewayxv1alpha1.GroupName && ref.Kind == store.KindXBackend {
			p.noteSession(b.in.XBackends[name])
		} else if b.hasAffinity(name) {
			p.refuse(gatewayv1.PolicyReasonInvalid,
				"spec.targetRefs[%d]: Service %s has a sessionAffinity of its own, which excludes sessionPersistence", i, name)
		}
	}
}

// noteSession tells of an XBackend that does not follow the policy's sessions: they
// are deprecated in favour of its own (GEP-4894), and of a name outside of the
// cluster nobody knows the endpoints.
func (p *TrafficPolicy) noteSession(x *gatewayxv1alpha1.XBackend) {
	switch {
	case x == nil:
	case x.Spec.SessionPersistence != nil:
		p.Notes = append(p.Notes, "XBackend "+x.Name+" has a sessionPersistence of its own, which takes precedence")
	case x.Spec.Type != gatewayxv1alpha1.BackendTypeEndpointSelector:
		p.Notes = append(p.Notes, "XBackend "+x.Name+" is of type "+string(x.Spec.Type)+", for which sessionPersistence has no effect")
	}
}

// The bounds of a retry constraint (GEP-3388).
const (
	minBudgetInterval = time.Second
	maxBudgetInterval = time.Hour
	maxRetryCount     = 1_000_000
)

// readRetryConstraint fills in the defaults of the schema.
func (p *TrafficPolicy) readRetryConstraint(source *gatewayxv1alpha1.RetryConstraint) {
	budget := value(source.Budget, gatewayxv1alpha1.BudgetDetails{})
	rate := value(source.MinRetryRate, gatewayxv1alpha1.RequestRate{})
	percent, count := value(budget.Percent, 20), value(rate.Count, 10)
	if percent < 0 || percent > 100 {
		p.refuse(gatewayv1.PolicyReasonInvalid, "spec.retryConstraint.budget.percent %d is not in [0, 100]", percent)
	}
	if count < 1 || count > maxRetryCount {
		p.refuse(gatewayv1.PolicyReasonInvalid, "spec.retryConstraint.minRetryRate.count %d is not in [1, %d]", count, maxRetryCount)
	}
	p.RetryBudget = &proxyconfig.RetryBudget{
		Percent:           int32(percent),
		IntervalMillis:    p.interval("budget", budget.Interval, "10s", minBudgetInterval),
		MinRetries:        int32(count),
		MinIntervalMillis: p.interval("minRetryRate", rate.Interval, "1s", time.Millisecond),
		Refuse:            true,
	}
	if percent == 0 {
		p.RetryBudget.Percent = -1
	}
}

func (p *TrafficPolicy) interval(field string, text *gatewayv1.Duration, fallback gatewayv1.Duration, least time.Duration) int64 {
	parsed, ok := ParseDuration(value(text, fallback))
	if !ok || parsed < least || parsed > maxBudgetInterval {
		p.refuse(gatewayv1.PolicyReasonInvalid, "spec.retryConstraint.%s.interval %q is no duration from %s to %s", field, value(text, fallback), least, maxBudgetInterval)
	}
	return parsed.Milliseconds()
}

// applyTraffic has the backend follow the policy of its Service, or of its XBackend.
func (b *builder) applyTraffic(backend *Backend) {
	policy := b.traffic[target{kind: backend.Key.Kind, service: backend.Key.Service}]
	if policy == nil {
		return
	}
	backend.RetryBudget = policy.RetryBudget
	if backend.Session == nil && backend.External == nil {
		backend.Session = policy.Session
	}
}
