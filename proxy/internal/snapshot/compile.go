package snapshot

import (
	"slices"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// Input is what Compile reads.
type Input struct {
	Document *proxyconfig.Document
	Config   *proxyconfig.Config
	// Certificates may be nil where there are none.
	Certificates Certificates
	Registry     *balance.Registry
	// SessionSecret is what the keys of sessions are derived from. Without it no
	// rule with sessions is served.
	SessionSecret []byte
	// Previous is the snapshot that serves, or nil. What did not change is taken
	// over from it, identifiers of series among it.
	Previous *Snapshot
}

// Compile makes a Snapshot and names what it had to refuse, in a fixed order.
// It never fails as a whole. The caller swaps the Snapshot in and then calls its
// Commit. Calls must not overlap.
//
// What it costs goes by what differs from the snapshot before, as long as no listener that
// was there and no certificate does: parts of the configuration that both have are not
// looked at. A new listener has the others looked at, and not their routes.
func Compile(in Input) (*Snapshot, []proxyconfig.RefusedItem) {
	c := &compiler{in: in, rerouted: map[string]bool{}}
	c.out = &Snapshot{
		Hash: in.Document.Hash, Revision: in.Document.Revision, Config: in.Config,
		certificates: in.Certificates, secret: in.SessionSecret,
	}
	if p := in.Previous; p != nil {
		c.sameCertificates = sameCertificates(p.certificates, in.Certificates)
		c.out.series, c.out.listeners = p.series, p.listeners
	} else {
		c.out.series, c.out.listeners = newNumbers[Series](probe.MaxSeries), newNumbers[string](MaxListeners)
	}
	c.compileBackends()
	c.compileTracing()
	c.compileSettings()
	c.compileFrame()
	c.compileRoutes()
	c.buildPorts()
	c.out.Series = slices.Clip(c.out.series.list)
	c.out.Listeners = slices.Clip(c.out.listeners.list)
	return c.out, c.refused
}

type compiler struct {
	in      Input
	out     *Snapshot
	refused []proxyconfig.RefusedItem

	// sameCertificates says that the certificates are those of the snapshot before.
	sameCertificates bool
	// allBackends says that all backends were compiled, and rerouted has those that are
	// served by something else than in the snapshot before.
	allBackends bool
	rerouted    map[string]bool
	routes      *routeEdit
}

func (c *compiler) refuse(item proxyconfig.RefusedItem) { c.refused = append(c.refused, item) }
