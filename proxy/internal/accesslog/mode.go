package accesslog

import (
	"math/rand/v2"
	"net/http"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Mode is what is logged, and how. The zero Mode logs nothing.
type Mode struct {
	Format Format
	// Percent is the share of the requests that are logged, from 0 to 100. What fails
	// is logged always.
	Percent uint8
}

// pack and unpack are for one word that is read for every request.
func (m Mode) pack() uint32 { return uint32(m.Format)<<8 | uint32(m.Percent) }

func unpack(word uint32) Mode { return Mode{Format(word >> 8), uint8(word)} }

// wants says whether a request is to be logged. Those are drawn: a request in every
// so many would have one client of several that take turns seen alone.
func (m Mode) wants(d *traffic.Done) bool {
	switch {
	case m.Format == Off:
		return false
	case m.Percent >= 100 || failed(d):
		return true
	}
	return m.Percent > 0 && rand.Uint32N(100) < uint32(m.Percent)
}

// failed says whether a request got an answer of 500 or above. Below HTTP there is no
// status: what found no endpoint has failed.
func failed(d *traffic.Done) bool {
	return d.Status >= http.StatusInternalServerError || d.Status == 0 && d.Flags&probe.FlagUpstreamFailed != 0
}
