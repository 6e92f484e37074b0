package status

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// ReasonConfigTooLarge is the reason of what is not served, as the configuration
// of its Gateway would exceed its budget.
const ReasonConfigTooLarge = "ConfigTooLarge"

// verdict is what is wrong with a route by itself, whatever its parents say.
type verdict struct {
	// whole are problems of the route as a whole.
	whole conditions.Problems
	// rules are the problems of the invalid ones, by the rule's index.
	rules map[int]conditions.Problem
	total int
}

func (v *verdict) allInvalid() bool { return v.total > 0 && len(v.rules) == v.total }

// accepted says whether the route is accepted where a listener lets it attach.
func (v *verdict) accepted() bool { return len(v.whole) == 0 && !v.allInvalid() }

// judge gathers what the graph found and what the proxies refused.
func (b *builder) judge(route *graph.Route) verdict {
	const typ = string(gatewayv1.RouteConditionAccepted)
	v := verdict{whole: slices.Clone(route.Problems), total: len(route.Rules)}
	if why, bad := b.failed.route(proxyconfig.KindRoute, route, 0); bad {
		v.whole.Add(typ, graph.ReasonInternalError, "%s", why)
	}
	if why, bad := b.refused.route(proxyconfig.KindRoute, route, 0); bad {
		v.whole.Add(typ, string(gatewayv1.RouteReasonUnsupportedValue), "the proxies refuse the route: %s", why)
	}
	if why, bad := b.oversize.route(proxyconfig.KindRoute, route, 0); bad {
		v.whole.Add(typ, ReasonConfigTooLarge, "the route is not served: %s", why)
	}
	for i, rule := range route.Rules {
		if problem, bad := rule.Problems.First(typ); bad {
			problem.Message = rule.Problems.Message(typ)
			v.invalid(i, problem)
		} else if why, bad := b.oversize.route(proxyconfig.KindRule, route, i); bad {
			v.invalid(i, conditions.Problem{Type: typ, Reason: ReasonConfigTooLarge, Message: fmt.Sprintf("spec.rules[%d]: %s", i, why)})
		} else if why, bad := b.refused.route(proxyconfig.KindRule, route, i); bad {
			v.invalid(i, conditions.Problem{
				Type: typ, Reason: string(gatewayv1.RouteReasonUnsupportedValue),
				Message: fmt.Sprintf("the proxies refuse spec.rules[%d]: %s", i, why),
			})
		}
	}
	return v
}

func (v *verdict) invalid(rule int, problem conditions.Problem) {
	if v.rules == nil {
		v.rules = make(map[int]conditions.Problem)
	}
	v.rules[rule] = problem
}

// indexes are those of the invalid rules, in order.
func (v *verdict) indexes() []int {
	var list []int
	for i := range v.total {
		if _, bad := v.rules[i]; bad {
			list = append(list, i)
		}
	}
	return list
}

// message tells what is wrong with the invalid rules.
func (v *verdict) message() string {
	var messages []string
	for _, i := range v.indexes() {
		messages = append(messages, v.rules[i].Message)
	}
	return conditions.Join(messages)
}

func (b *builder) route(route *graph.Route, v *verdict) *Route {
	out := &Route{
		Kind:         route.Kind,
		Name:         route.Name,
		Gateway:      b.gateway.Name(),
		ListenerSets: b.memory.names,
		Controller:   b.gateway.Class.Source.Spec.ControllerName,
	}
	for _, parent := range route.Parents {
		out.Parents = append(out.Parents, gatewayv1.RouteParentStatus{
			ParentRef:      parent.Ref,
			ControllerName: out.Controller,
			Conditions:     b.memory.shared(parentConditions(route, parent, v)),
		})
	}
	return out
}

func parentConditions(route *graph.Route, parent *graph.Parent, v *verdict) []metav1.Condition {
	accepted := routeAccepted(route, parent, v)
	list := []metav1.Condition{accepted, routeResolvedRefs(route)}
	if accepted.Status == metav1.ConditionTrue && len(v.rules) > 0 {
		list = append(list, partiallyInvalid(route, v))
	}
	return list
}

func routeAccepted(route *graph.Route, parent *graph.Parent, v *verdict) metav1.Condition {
	const typ = gatewayv1.RouteConditionAccepted
	refuse := func(reason, message string) metav1.Condition {
		return condition(typ, metav1.ConditionFalse, reason, message, route.Meta.Generation)
	}
	if problem, bad := parent.Problems.First(string(typ)); bad {
		return refuse(problem.Reason, parent.Problems.Message(string(typ)))
	}
	if problem, bad := v.whole.First(string(typ)); bad {
		return refuse(problem.Reason, v.whole.Message(string(typ)))
	}
	if v.allInvalid() {
		return refuse(v.rules[0].Reason, v.message())
	}
	notes := slices.Clone(parent.Notes)
	for _, rule := range route.Rules {
		notes = append(notes, rule.Notes...)
	}
	return condition(typ, metav1.ConditionTrue, gatewayv1.RouteReasonAccepted,
		note("The route is accepted", notes), route.Meta.Generation)
}

func routeResolvedRefs(route *graph.Route) metav1.Condition {
	const typ = gatewayv1.RouteConditionResolvedRefs
	var all conditions.Problems
	for _, rule := range route.Rules {
		all = append(all, rule.Problems...)
	}
	if problem, bad := all.First(string(typ)); bad {
		return condition(typ, metav1.ConditionFalse, problem.Reason, all.Message(string(typ)), route.Meta.Generation)
	}
	return condition(typ, metav1.ConditionTrue, gatewayv1.RouteReasonResolvedRefs,
		"All references are resolved", route.Meta.Generation)
}

// partiallyInvalid has to start with "Dropped Rule" (RouteConditionPartiallyInvalid),
// though a rule that was dropped here answers 500 and lets nothing through.
func partiallyInvalid(route *graph.Route, v *verdict) metav1.Condition {
	indexes := v.indexes()
	var list []string
	for _, i := range indexes {
		list = append(list, strconv.Itoa(i))
	}
	plural := ""
	if len(list) > 1 {
		plural = "s"
	}
	return condition(gatewayv1.RouteConditionPartiallyInvalid, metav1.ConditionTrue, v.rules[indexes[0]].Reason,
		fmt.Sprintf("Dropped Rule%s %s, answered with 500: %s", plural, strings.Join(list, ", "), v.message()),
		route.Meta.Generation)
}
