package proxyconfig

import (
	"slices"
	"testing"
)

// The traits of the pieces of a configuration are together those of the whole, and each
// says something that the others do not.
func TestTraitsOfPiecesAreThoseOfTheWhole(t *testing.T) {
	whole := l4Config()
	whole.Listeners[0].TLS = &ListenerTLS{}
	whole.Listeners[1].Filters = &ListenerFilters{}
	whole.Routes[0].Rules[0].Backends[0].Session = &Session{}
	whole.Routes[2].Attachments[0].Written = []string{"*.example.com"}
	whole.Backends[0].TLS = &BackendTLS{}
	whole.Backends = append(whole.Backends, Backend{ID: "away", External: &External{Hostname: "example.com"}})
	var pieces Traits
	for i := range whole.Listeners {
		pieces |= TraitsOf(&Config{Listeners: whole.Listeners[i : i+1]})
	}
	for i := range whole.Routes {
		pieces |= TraitsOf(&Config{Routes: whole.Routes[i : i+1]})
	}
	for i := range whole.Backends {
		pieces |= TraitsOf(&Config{Backends: whole.Backends[i : i+1]})
	}
	if all := TraitsOf(whole); pieces != all || all != hasExternal<<1-1 {
		t.Errorf("the pieces have %b, the whole %b", pieces, all)
	}
	want := slices.DeleteFunc(KnownFeatures(), func(f Feature) bool { return f == FeatureParts || f == FeatureSuperseded })
	if got := Features(whole); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
