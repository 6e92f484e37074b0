package proxyconfig

import (
	"fmt"
)

// ListenerFilters are what the requests of a listener pass before they are
// routed, whether a route matches them or not (Gateway API, ListenerFilters;
// GEP-5224).
type ListenerFilters struct {
	// Requests are of type ExternalAuth. They run in this order, each on what the
	// one before has made of the request, and the first one that denies it is the
	// last one that runs. Where one of them cannot run, all requests are answered
	// 500.
	Requests []Filter `json:"requests,omitempty"`
	// Invalid says why the operator could not translate the filters. All requests
	// are answered 500.
	Invalid string `json:"invalid,omitempty"`
}

// FeatureListenerFilters is filters of listeners. A proxy that overlooked them
// would serve requests that nobody has allowed.
const FeatureListenerFilters Feature = "listener-filters"

// ValidateListenerFilters checks the filters of a listener, which may be nil, and
// returns ListenerFilters.Invalid as an error where the operator set it. A
// listener whose filters are refused still has its port and hostname, and
// answers 500.
func ValidateListenerFilters(f *ListenerFilters) error {
	if f == nil {
		return nil
	}
	if f.Invalid != "" {
		return fmt.Errorf("%s", f.Invalid)
	}
	for i := range f.Requests {
		if f.Requests[i].Type != FilterExternalAuth {
			return fmt.Errorf("filter %d: a listener has no filters of type %q", i, f.Requests[i].Type)
		}
		if err := validateFilter(&f.Requests[i], false); err != nil {
			return fmt.Errorf("filter %d: %w", i, err)
		}
	}
	return nil
}
