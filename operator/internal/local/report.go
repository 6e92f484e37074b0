package local

import (
	"fmt"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/local/fleet"
	"github.com/fleetgate/fleetgate/operator/internal/local/table"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// row is the line of one Gateway.
func row(t *translation, set status.Set, state fleet.State) table.Gateway {
	g := table.Gateway{Namespace: t.source.Namespace, Name: t.source.Name, Programmed: string(metav1.ConditionUnknown)}
	if set.Gateway == nil {
		return g
	}
	if programmed := conditions.Find(set.Gateway.Conditions, string(gatewayv1.GatewayConditionProgrammed)); programmed != nil {
		g.Programmed, g.Message = string(programmed.Status), programmed.Message
	}
	if state.Address.IsValid() {
		g.Address = state.Address.String()
	}
	g.Metrics = state.Metrics
	for _, listener := range t.config.Listeners {
		if port := strconv.Itoa(int(listener.Port)); !slices.Contains(g.Ports, port) {
			g.Ports = append(g.Ports, port)
		}
	}
	g.Routes = attached(t.graph)
	return g
}

// attached counts the routes that some listener has accepted.
func attached(g *graph.Graph) int {
	routes := map[*graph.Route]bool{}
	for _, listener := range g.Gateway.Listeners {
		for _, route := range listener.Routes {
			routes[route] = true
		}
	}
	return len(routes)
}

// troubles are the conditions of a Gateway and its routes that are not as they
// should be.
func troubles(t *translation, set status.Set) []table.Trouble {
	gateway := "Gateway " + t.key().String()
	if set.Gateway == nil {
		return []table.Trouble{{
			Object: gateway, Field: "spec.gatewayClassName", Reason: "NoClass",
			Message: fmt.Sprintf("there is no GatewayClass %q of this controller", t.source.Spec.GatewayClassName),
		}}
	}
	list := bad(gateway, "", set.Gateway.Conditions)
	waits := len(list) > 0
	for _, l := range set.Gateway.Listeners {
		for _, trouble := range bad(gateway, "listener "+string(l.Name), l.Conditions) {
			// A listener that waits for the proxies says what its Gateway says.
			if !waits || trouble.Reason != string(gatewayv1.ListenerReasonPending) {
				list = append(list, trouble)
			}
		}
	}
	for _, route := range set.Routes {
		for i, parent := range route.Parents {
			field := fmt.Sprintf("parent %s", parentName(&route.Parents[i].ParentRef))
			list = append(list, bad(route.Kind+" "+route.Name.String(), field, parent.Conditions)...)
		}
	}
	return list
}

func parentName(ref *gatewayv1.ParentReference) string {
	name := string(ref.Name)
	if ref.SectionName != nil {
		name += "/" + string(*ref.SectionName)
	}
	return name
}

// bad turns the conditions that do not hold into troubles. Two of them say that
// something is wrong by being true.
func bad(object, field string, list []metav1.Condition) []table.Trouble {
	var found []table.Trouble
	for _, c := range list {
		fine := metav1.ConditionTrue
		switch c.Type {
		case string(gatewayv1.ListenerConditionConflicted), string(gatewayv1.RouteConditionPartiallyInvalid):
			fine = metav1.ConditionFalse
		}
		if c.Status != fine {
			found = append(found, table.Trouble{Object: object, Field: field, Reason: c.Reason, Message: c.Message})
		}
	}
	return found
}

// orphans are parentRefs of routes to Gateways that the folder does not have. In
// a cluster nobody would say so: the Gateway may be another controller's.
func orphans(objects []client.Object) []table.Trouble {
	gateways := map[types.NamespacedName]bool{}
	for _, o := range objects {
		if _, ok := o.(*gatewayv1.Gateway); ok {
			gateways[client.ObjectKeyFromObject(o)] = true
		}
	}
	var list []table.Trouble
	for _, o := range objects {
		route, ok := o.(*gatewayv1.HTTPRoute)
		if !ok {
			continue
		}
		for _, parent := range store.ParentGateways(route) {
			if !gateways[parent] {
				list = append(list, table.Trouble{
					Object: "HTTPRoute " + client.ObjectKeyFromObject(route).String(), Field: "spec.parentRefs",
					Reason: "NoGateway", Message: fmt.Sprintf("there is no Gateway %s", parent),
				})
			}
		}
	}
	return list
}

// processTroubles are what is wrong with a sensor, of which no status speaks.
func processTroubles(key types.NamespacedName, state fleet.State) []table.Trouble {
	if state.Sensor == nil || state.Sensor.PID != 0 || state.Sensor.Problem == "" {
		return nil
	}
	return []table.Trouble{{
		Object: "Gateway " + key.String(), Field: "sensor", Reason: "ProcessEnded", Message: "the sensor " + state.Sensor.Problem,
	}}
}
