package local

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/local/fleet"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// statuses stands for the status that an API server stores. The pipeline reads
// it: whether a Gateway was programmed before decides what it is now.
type statuses struct {
	now      func() time.Time
	gateways map[types.NamespacedName]gatewayv1.GatewayStatus
	sets     map[types.NamespacedName]gatewayv1.ListenerSetStatus
	routes   map[store.RouteKey][]gatewayv1.RouteParentStatus
}

func newStatuses(now func() time.Time) *statuses {
	return &statuses{
		now:      now,
		gateways: map[types.NamespacedName]gatewayv1.GatewayStatus{},
		sets:     map[types.NamespacedName]gatewayv1.ListenerSetStatus{},
		routes:   map[store.RouteKey][]gatewayv1.RouteParentStatus{},
	}
}

// on returns the objects with the statuses that they have, and forgets those of
// objects that are gone. The objects that it is given are not changed.
func (s *statuses) on(objects []client.Object) []client.Object {
	had := *s
	*s = *newStatuses(s.now)
	list := make([]client.Object, len(objects))
	for i, o := range objects {
		list[i] = o
		key := client.ObjectKeyFromObject(o)
		switch o := o.(type) {
		case *gatewayv1.Gateway:
			if live, ok := had.gateways[key]; ok {
				with := o.DeepCopy()
				with.Status, s.gateways[key] = live, live
				list[i] = with
			}
		case *gatewayv1.ListenerSet:
			if live, ok := had.sets[key]; ok {
				with := o.DeepCopy()
				with.Status, s.sets[key] = live, live
				list[i] = with
			}
		default:
			list[i] = s.onRoute(o, &had)
		}
	}
	return list
}

// onRoute returns a route with the status that it had, and any other object as
// it is.
func (s *statuses) onRoute(o client.Object, had *statuses) client.Object {
	key, isRoute := store.KeyOf(o)
	live, known := had.routes[key]
	if !isRoute || !known {
		return o
	}
	with := o.DeepCopyObject().(client.Object)
	store.StatusOf(with).Parents, s.routes[key] = live, live
	return with
}

// update merges what is to be said of one Gateway and its routes.
func (s *statuses) update(set status.Set) {
	if set.Gateway == nil {
		return
	}
	// Nobody is behind the objects here: no condition is to stay as that of a newer one.
	at := conditions.Moment{Time: metav1.NewTime(s.now())}
	merged, _ := status.MergeGateway(s.gateways[set.Gateway.Name], set.Gateway, at)
	s.gateways[set.Gateway.Name] = merged
	for _, want := range set.ListenerSets {
		s.sets[want.Name], _ = status.MergeListenerSet(s.sets[want.Name], want, at)
	}
	for _, route := range set.Routes {
		key := store.RouteKey{Kind: route.Kind, NamespacedName: route.Name}
		s.routes[key], _ = status.MergeRoute(s.routes[key], route, at)
	}
}

// observe says what a fleet's state means to the status.
func observe(state fleet.State) status.Observed {
	ready, serving := state.Proxies.Ready(state.Hash)
	o := status.Observed{
		Hash:      state.Hash,
		Wanted:    1,
		Ready:     ready,
		Serving:   serving,
		Refused:   state.Proxies.Refused(),
		Rejected:  state.Proxies.Rejected(),
		Hostnames: state.Proxies.Hostnames(),
	}
	if state.Address.IsValid() {
		o.Addresses = []gatewayv1.GatewayStatusAddress{{
			Type: new(gatewayv1.IPAddressType), Value: state.Address.String(), Routability: new(gatewayv1.GatewayAddressRoutabilityDefault),
		}}
	}
	if state.Problem != "" {
		o.Problems = append(o.Problems, state.Problem)
	}
	if state.Proxy.Problem != "" && !reports(state) {
		o.Problems = append(o.Problems, "the proxy "+state.Proxy.Problem+" (its log is "+state.Log+")")
	}
	return o
}

// reports says whether the proxy answers. One that does has got over whatever
// ended its process before.
func reports(state fleet.State) bool {
	return slices.ContainsFunc(state.Proxies, func(p proxies.Proxy) bool { return p.Report != nil })
}
