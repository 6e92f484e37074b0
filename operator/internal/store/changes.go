package store

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// Changes are the objects that may be others than when they were read last. It is not
// safe for concurrent use.
type Changes struct {
	// Routes, and Services with their EndpointSlices, by their names.
	Routes   map[RouteKey]struct{}
	Services map[types.NamespacedName]struct{}
	// ListenerSets are by their names, too. Who collects leaves those of which nothing but
	// the status differs.
	ListenerSets map[types.NamespacedName]struct{}
	// Joined are ListenerSets that the Gateway did not have before. Who collects tells them
	// from ListenerSets, and has all routes among Routes that have to do with them.
	Joined []types.NamespacedName
	// Statuses are routes of which nothing but the status differs. Who collects tells
	// them from Routes.
	Statuses []RouteKey
	// Anything says that it may be more than these.
	Anything bool
}

// NewChanges returns none.
func NewChanges() *Changes {
	return &Changes{
		Routes: make(map[RouteKey]struct{}), Services: make(map[types.NamespacedName]struct{}),
		ListenerSets: make(map[types.NamespacedName]struct{}),
	}
}

// Note adds an object. Of an update both states are to be noted.
func (c *Changes) Note(obj client.Object) {
	if key, route := KeyOf(obj); route {
		c.Routes[key] = struct{}{}
		return
	}
	switch obj := obj.(type) {
	case *gatewayv1.Gateway, *gatewayv1.GatewayClass:
		// Both are read each time.
	case *corev1.Service:
		c.Services[client.ObjectKeyFromObject(obj)] = struct{}{}
	case *discoveryv1.EndpointSlice:
		c.slice(obj)
	case *gatewayv1.ListenerSet:
		c.ListenerSets[client.ObjectKeyFromObject(obj)] = struct{}{}
	default:
		c.Anything = true
	}
}

func (c *Changes) slice(slice *discoveryv1.EndpointSlice) {
	service, ok := serviceOf(slice)
	if ok && slice.Labels[names.LabelXBackend] == "" && client.ObjectKeyFromObject(slice) != names.APIServers {
		c.Services[service] = struct{}{}
	} else {
		c.Anything = true
	}
}

// None says that nothing has changed but statuses. It is for changes that were collected.
func (c *Changes) None() bool {
	return len(c.Routes) == 0 && len(c.Services) == 0 && len(c.Joined) == 0 && !c.Anything
}

// Edition tells the Resources that a Memory has collected from all others, with what
// has changed since the ones before.
type Edition struct {
	before  *Edition
	changes *Changes
}

// Followed says whether these resources were collected by following changes, and so have
// maps of the ones before.
func (r *Resources) Followed() bool { return r.Edition != nil && r.Edition.before != nil }

// Since returns what may differ between the resources of an edition and these, and nil
// where that is not known.
func (r *Resources) Since(before *Edition) *Changes {
	if before == nil || r.Edition == nil || r.Edition.before != before {
		return nil
	}
	return r.Edition.changes
}
