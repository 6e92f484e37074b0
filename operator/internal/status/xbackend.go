package status

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// ConditionUnresolved says that the hostname of an XBackend does not lead to it. The
// proxies alone look it up: the condition is what they say, and absent as long as
// none has a complaint.
const ConditionUnresolved = "fleetgate.io/Unresolved"

// The reasons of ConditionUnresolved, beside graph.ReasonForbiddenBackend.
const (
	ReasonHostnameNotFound = "HostnameNotFound"
	ReasonHostnameNoAnswer = "HostnameNoAnswer"
)

// xbackend adds what the proxies say of the hostname.
func (b *builder) xbackend(backend *graph.XBackend) Policy {
	out := b.policy(&backend.PolicyNode)
	for _, problem := range b.observed.Hostnames {
		if backend.Hostname == problem.Hostname && int32(backend.Source.Spec.Port.Number) == problem.Port {
			out.Ancestor.Conditions = append(out.Ancestor.Conditions, unresolved(problem, backend.Meta.Generation))
		}
	}
	return out
}

func unresolved(problem proxyconfig.HostnameProblem, generation int64) metav1.Condition {
	var reason, why string
	switch problem.Reason {
	case proxyconfig.HostnameNotFound:
		reason, why = ReasonHostnameNotFound, "is a name without addresses"
	case proxyconfig.HostnameForbidden:
		reason, why = string(graph.ReasonForbiddenBackend), "leads to addresses alone that no backend may have"
	default:
		reason, why = ReasonHostnameNoAnswer, "cannot be looked up, as no server of the DNS gives an answer"
	}
	then := "requests are answered with 503"
	if problem.Stale {
		then = "the addresses of an earlier answer are used"
	}
	message := fmt.Sprintf("spec.externalHostname.hostname %q %s, say the proxies; %s", problem.Hostname, why, then)
	return condition(ConditionUnresolved, metav1.ConditionTrue, reason, message, generation)
}
