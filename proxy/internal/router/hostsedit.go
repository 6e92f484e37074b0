package router

import (
	"strings"

	"github.com/fleetgate/fleetgate/proxy/internal/pmap"
)

// HostsEdit are Hosts in the making. They belong to one goroutine.
type HostsEdit[T any] struct {
	exact, suffix *pmap.Edit[string, T]
	any           T
	hasAny        bool
}

// Edit begins a change. The Hosts themselves stay as they are.
func (h *Hosts[T]) Edit() *HostsEdit[T] {
	return &HostsEdit[T]{exact: h.exact.Edit(), suffix: h.suffix.Edit(), any: h.any, hasAny: h.hasAny}
}

// Set stores the value of a pattern, which must be lower case.
func (e *HostsEdit[T]) Set(pattern string, v T) {
	switch {
	case pattern == "":
		e.any, e.hasAny = v, true
	case strings.HasPrefix(pattern, "*."):
		e.suffix.Set(pattern[1:], v)
	default:
		e.exact.Set(pattern, v)
	}
}

// Get returns the value that a pattern has by now.
func (e *HostsEdit[T]) Get(pattern string) (v T, ok bool) {
	switch {
	case pattern == "":
		return e.any, e.hasAny
	case strings.HasPrefix(pattern, "*."):
		return e.suffix.Get(pattern[1:])
	default:
		return e.exact.Get(pattern)
	}
}

// Delete takes a pattern away, if it is there.
func (e *HostsEdit[T]) Delete(pattern string) {
	switch {
	case pattern == "":
		var none T
		e.any, e.hasAny = none, false
	case strings.HasPrefix(pattern, "*."):
		e.suffix.Delete(pattern[1:])
	default:
		e.exact.Delete(pattern)
	}
}

// Hosts ends the change. The HostsEdit must not be used any more.
func (e *HostsEdit[T]) Hosts() Hosts[T] {
	return Hosts[T]{exact: e.exact.Map(), suffix: e.suffix.Map(), any: e.any, hasAny: e.hasAny}
}
