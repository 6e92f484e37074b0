package http2

import (
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/target"
	h1message "github.com/fleetgate/fleetgate/test/protocol/message"
	"github.com/fleetgate/fleetgate/test/protocol/peer"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
)

// What steps down to HTTP/1.1, backends of seven makers understand alike, or
// refuse for a reason that is known; and what is refused, or breaks off, leaves
// none of them in a state in which the next request gets another's answer.
func TestDowngradeKindsOfBackends(t *testing.T) {
	for _, k := range peer.Kinds {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			origin := recorder.Start(t, recorder.Echo)
			proxy := target.Start(t, target.Backend{Address: k.Start(t, origin.Addr())})
			for _, c := range forwards {
				meant := c.meant()
				if err := understands(exchange(t, proxy, c.message), meant); err != nil && k.Quirk(meant) == "" {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			origin.Take()
			for _, c := range refusals {
				if outcome := exchange(t, proxy, c.message); !refused(outcome, c.or...) {
					t.Errorf("%s: got %v, want a 400 or PROTOCOL_ERROR", c.name, outcome)
				}
			}
			wantSoundAlone(t, origin)
		})
	}
}

// wantSoundAlone wants no whole request at the origin but sound ones. What a
// backend in front of it adds to those is no concern of ours.
func wantSoundAlone(t *testing.T, origin *recorder.Backend) {
	t.Helper()
	for _, s := range origin.Take() {
		requests, err := wholeRequests(s.Bytes)
		if err != nil && s.Broken == nil {
			t.Errorf("the origin got %q: %v", s.Bytes, err)
		}
		for _, r := range requests {
			if r.Target != sound {
				t.Errorf("the origin got %v", r)
			}
		}
	}
}

// wholeRequests reads requests up to one that is not whole, as err says.
func wholeRequests(b []byte) (all []*received, err error) {
	for len(b) > 0 {
		r, n, err := h1message.Strict(b)
		if err != nil {
			return all, err
		}
		all, b = append(all, r), b[n:]
	}
	return all, nil
}
