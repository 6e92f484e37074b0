package filter

import (
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// Mirror is a compiled mirror. It is safe for concurrent use.
type Mirror struct {
	// Backend is the ID of the backend that gets the copies.
	Backend string
	share   *balance.Split[bool]
}

func compileMirror(in *proxyconfig.Mirror) *Mirror {
	f := proxyconfig.Fraction{Numerator: 1, Denominator: 1}
	if in.Fraction != nil {
		f = *in.Fraction
	}
	return &Mirror{
		Backend: in.Backend,
		share:   balance.NewSplit([]bool{true, false}, []int32{f.Numerator, f.Denominator - f.Numerator}),
	}
}

// Fires says whether the next request is copied. The copies are spread evenly
// over the requests, and their number is at no time more than a few off.
func (m *Mirror) Fires() bool {
	fires, ok := m.share.Pick()
	return ok && fires
}
