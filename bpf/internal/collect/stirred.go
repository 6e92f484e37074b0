package collect

import (
	"math/bits"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// stirred knows which series, or backends, may have counted something since they
// were read: those of the outcomes that have changed. All others need not be read.
//
// Who counts a request counts its outcome first. What that belongs to is therefore
// read once more when settling has passed, however soon the next looks come.
type stirred struct {
	fresh, settling identifiers
	turned          time.Time
	list            []uint32
}

// settling is how long counting one request takes at most. It takes microseconds,
// unless the proxy is kept from going on in the middle of it.
const settling = time.Second

func (s *stirred) add(id uint32) { s.fresh.add(id) }

// addAll is for when it is not known which they are.
func (s *stirred) addAll() {
	for i := range s.fresh {
		s.fresh[i] = ^uint64(0)
	}
}

// take returns those that are to be read at this look. The slice is valid until the
// next call.
func (s *stirred) take(now time.Time) []uint32 {
	s.list = s.list[:0]
	for i := range s.fresh {
		for set := s.fresh[i] | s.settling[i]; set != 0; set &= set - 1 {
			s.list = append(s.list, uint32(64*i+bits.TrailingZeros64(set)))
		}
	}
	if now.Sub(s.turned) >= settling {
		s.settling, s.fresh, s.turned = s.fresh, identifiers{}, now
	}
	return s.list
}

// identifiers is a set of them.
type identifiers [probe.MaxSeries / 64]uint64

func (s *identifiers) add(id uint32) { s[id/64] |= 1 << (id % 64) }
