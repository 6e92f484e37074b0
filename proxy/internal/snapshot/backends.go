package snapshot

import (
	"slices"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// backendTable is what is compiled of the backends of a configuration. Snapshots
// between which no backend changed share one.
type backendTable struct {
	change *balance.Change
	// byID are the sound backends.
	byID       map[string]*proxyconfig.Backend
	transports map[string]*Transport
	// sentProxy is by the ID of the backend.
	sentProxy map[string]proxyconfig.ProxyVersion
	// alone says that the table depends on nothing but the backends, and that none of
	// them was refused.
	alone bool
}

// compileBackends takes the table over from the snapshot before where no backend has
// changed: a configuration that was put together of the same parts has them in the
// same memory.
func (c *compiler) compileBackends() {
	if p := c.in.Previous; p != nil && p.alone && same(p.Config.Backends, c.in.Config.Backends) {
		c.out.backendTable = p.backendTable
		return
	}
	before := len(c.refused)
	backends := proxyconfig.ValidBackends(c.in.Config, c.refuse)
	c.out.backendTable = newBackendTable(backends, c.in.Registry.Prepare(backends))
	c.refused = append(c.refused, c.out.change.Refused()...)
	c.compileTransports(backends)
	c.out.alone = len(c.refused) == before && !slices.ContainsFunc(backends, hasCertificate)
}

func newBackendTable(backends []*proxyconfig.Backend, change *balance.Change) *backendTable {
	t := &backendTable{
		change:     change,
		byID:       make(map[string]*proxyconfig.Backend, len(backends)),
		transports: make(map[string]*Transport, len(backends)),
		sentProxy:  map[string]proxyconfig.ProxyVersion{},
	}
	for _, b := range backends {
		t.byID[b.ID] = b
		if b.ProxyProtocol != "" {
			t.sentProxy[b.ID] = b.ProxyProtocol
		}
	}
	return t
}

// hasCertificate says whether the Gateway presents a certificate to the backend, which
// may be there in another version later.
func hasCertificate(b *proxyconfig.Backend) bool {
	return b.TLS != nil && b.TLS.ClientCertificate != nil
}
