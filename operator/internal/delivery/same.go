package delivery

import (
	"reflect"
	"slices"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// sameItems says whether a part is to hold what it was to hold before. Most items of a
// configuration are those of the one before, down to their memory, which is cheap to
// see; what that does not tell is compared in depth.
func sameItems(a, b *proxyconfig.Config) bool {
	return slices.EqualFunc(a.Routes, b.Routes, sameRoute) && slices.EqualFunc(a.Backends, b.Backends, sameBackend) &&
		reflect.DeepEqual(a.Listeners, b.Listeners)
}

func sameRoute(a, b proxyconfig.Route) bool {
	return a.Kind == b.Kind && a.Namespace == b.Namespace && a.Name == b.Name && a.CreatedAt == b.CreatedAt &&
		sameSlice(a.Attachments, b.Attachments) && sameSlice(a.Rules, b.Rules)
}

func sameBackend(a, b proxyconfig.Backend) bool {
	return a.ID == b.ID && a.Kind == b.Kind && a.Namespace == b.Namespace && a.Service == b.Service && a.Port == b.Port &&
		a.Protocol == b.Protocol && a.ProxyProtocol == b.ProxyProtocol && sameSlice(a.Endpoints, b.Endpoints) &&
		samePointer(a.TLS, b.TLS) && samePointer(a.External, b.External) && samePointer(a.Policy, b.Policy)
}

func sameArray[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 && (a == nil) == (b == nil) || len(a) > 0 && &a[0] == &b[0])
}

func sameSlice[T any](a, b []T) bool {
	return sameArray(a, b) || len(a) == len(b) && len(a) > 0 && reflect.DeepEqual(a, b)
}

func samePointer[T any](a, b *T) bool { return a == b || reflect.DeepEqual(a, b) }
