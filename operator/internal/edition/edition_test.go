package edition_test

import (
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/edition"
)

// The last step is known, and no other.
func TestSinceKnowsTheLastStep(t *testing.T) {
	differs := &proxyconfig.Config{Routes: []proxyconfig.Route{{Name: "r"}}}
	first := edition.New()
	second := first.Next(&proxyconfig.Config{})
	third := second.Next(differs)
	if got := third.Since(second); got != differs {
		t.Errorf("between the last two differs %+v", got)
	}
	var none *edition.Edition
	for _, got := range []*proxyconfig.Config{third.Since(first), second.Since(first), third.Since(third), third.Since(nil), none.Since(third), first.Since(third)} {
		if got != nil {
			t.Errorf("got %+v where nothing can be known", got)
		}
	}
}
