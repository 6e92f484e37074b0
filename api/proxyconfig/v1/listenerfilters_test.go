package proxyconfig

import (
	"slices"
	"strings"
	"testing"
)

func TestListenerFiltersNeedAFeature(t *testing.T) {
	c := &Config{Listeners: []Listener{{Name: "http", Port: 80, Protocol: HTTP}}}
	if slices.Contains(Features(c), FeatureListenerFilters) {
		t.Error("a listener without filters needs the feature")
	}
	c.Listeners[0].Filters = &ListenerFilters{Invalid: "because"}
	if !slices.Contains(Features(c), FeatureListenerFilters) {
		t.Error("a listener whose filters are not valid does not need the feature")
	}
	if !slices.Contains(KnownFeatures(), FeatureListenerFilters) {
		t.Error("the feature is not known")
	}
}

func TestListenerFiltersAreValidated(t *testing.T) {
	auth := Filter{Type: FilterExternalAuth, ExternalAuth: &ExternalAuth{Protocol: AuthHTTP, Backend: "a/b:80"}}
	tests := []struct {
		name     string
		protocol Protocol
		filters  ListenerFilters
		want     string
	}{
		{"one", HTTP, ListenerFilters{Requests: []Filter{auth}}, ""},
		{"the same one twice", HTTP, ListenerFilters{Requests: []Filter{auth, auth}}, ""},
		{"without a backend", HTTP, ListenerFilters{Requests: []Filter{{Type: FilterExternalAuth, ExternalAuth: &ExternalAuth{Protocol: AuthHTTP}}}}, ""},
		{"below HTTP", TCP, ListenerFilters{Requests: []Filter{auth}}, "protocol TCP has no filters"},
		{"of another type", HTTP, ListenerFilters{Requests: []Filter{auth, {Type: FilterRequestHeaders, Headers: &HeaderEdits{}}}}, `filter 1: a listener has no filters of type "RequestHeaders"`},
		{"of no known type", HTTP, ListenerFilters{Requests: []Filter{{Type: "Wish"}}}, `type "Wish"`},
		{"without settings", HTTP, ListenerFilters{Requests: []Filter{{Type: FilterExternalAuth}}}, "not set"},
		{"with a bad protocol", HTTP, ListenerFilters{Requests: []Filter{{Type: FilterExternalAuth, ExternalAuth: &ExternalAuth{Protocol: "SMTP"}}}}, "SMTP"},
		{"not translated", HTTP, ListenerFilters{Invalid: "because of this"}, "because of this"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refused := Validate(&Config{Listeners: []Listener{{Name: "l", Port: 80, Protocol: test.protocol, Filters: &test.filters}}})
			if test.want == "" {
				if len(refused) != 0 {
					t.Errorf("got %v, want nothing refused", refused)
				}
				return
			}
			if len(refused) != 1 || refused[0].Kind != KindListener || !strings.Contains(refused[0].Reason, test.want) {
				t.Errorf("got %v, want one listener refused for %q", refused, test.want)
			}
		})
	}
}
