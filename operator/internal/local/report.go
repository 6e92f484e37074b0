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
	for _, listener := range g.Gateway.AllListeners() {
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
	// What waits for the proxies says what its Gateway says.
	add := func(object, field string, conditions []metav1.Condition) {
		for _, trouble := range bad(object, field, conditions) {
			if !waits || trouble.Reason != string(gatewayv1.ListenerReasonPending) && trouble.Reason != string(status.ReasonParentNotProgrammed) {
				list = append(list, trouble)
			}
		}
	}
	for _, l := range set.Gateway.Listeners {
		add(gateway, "listener "+string(l.Name), l.Conditions)
	}
	for _, listenerSet := range set.ListenerSets {
		object := "ListenerSet " + listenerSet.Name.String()
		add(object, "", listenerSet.Conditions)
		for _, l := range listenerSet.Listeners {
			add(object, "listener "+string(l.Name), l.Conditions)
		}
	}
	for _, route := range set.Routes {
		for i, parent := range route.Parents {
			field := fmt.Sprintf("parent %s", parentName(&route.Parents[i].ParentRef))
			list = append(list, bad(route.Kind+" "+route.Name.String(), field, parent.Conditions)...)
		}
	}
	for _, policy := range set.Policies {
		list = append(list, bad(policy.Kind+" "+policy.Name.String(), "", policy.Ancestor.Conditions)...)
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

// bad turns the conditions that do not hold into troubles. Some of them say that
// something is wrong by being true.
func bad(object, field string, list []metav1.Condition) []table.Trouble {
	var found []table.Trouble
	for _, c := range list {
		fine := metav1.ConditionTrue
		switch c.Type {
		case string(gatewayv1.ListenerConditionConflicted), string(gatewayv1.RouteConditionPartiallyInvalid),
			string(gatewayv1.ListenerConditionOverlappingTLSConfig), string(gatewayv1.GatewayConditionInsecureFrontendValidationMode):
			fine = metav1.ConditionFalse
		}
		if c.Status != fine {
			found = append(found, table.Trouble{Object: object, Field: field, Reason: c.Reason, Message: c.Message})
		}
	}
	return found
}

// orphans are references of routes and ListenerSets to parents that the folder
// does not have. In a cluster nobody would say so: a Gateway may be another
// controller's.
func orphans(objects []client.Object) []table.Trouble {
	gateways, sets := map[types.NamespacedName]bool{}, map[types.NamespacedName]bool{}
	for _, o := range objects {
		switch o.(type) {
		case *gatewayv1.Gateway:
			gateways[client.ObjectKeyFromObject(o)] = true
		case *gatewayv1.ListenerSet:
			sets[client.ObjectKeyFromObject(o)] = true
		}
	}
	var list []table.Trouble
	missing := func(object, field, kind string, have map[types.NamespacedName]bool, parents ...types.NamespacedName) {
		for _, parent := range parents {
			if !have[parent] {
				list = append(list, table.Trouble{
					Object: object, Field: field, Reason: "No" + kind, Message: fmt.Sprintf("there is no %s %s", kind, parent),
				})
			}
		}
	}
	for _, o := range objects {
		if key, isRoute := store.KeyOf(o); isRoute {
			object := key.Kind + " " + key.String()
			missing(object, "spec.parentRefs", "Gateway", gateways, store.ParentGateways(o)...)
			missing(object, "spec.parentRefs", "ListenerSet", sets, store.ParentListenerSets(o)...)
		}
		if set, isSet := o.(*gatewayv1.ListenerSet); isSet {
			if parent, ok := store.GatewayOf(set); ok {
				missing("ListenerSet "+client.ObjectKeyFromObject(set).String(), "spec.parentRef", "Gateway", gateways, parent)
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
