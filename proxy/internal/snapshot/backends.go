package snapshot

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/pmap"
)

// backendTable is what is compiled of the backends of a configuration. It is immutable,
// and snapshots between which no backend changed share one.
type backendTable struct {
	// byID are the sound backends.
	byID pmap.Map[string, *backend]
	// refused are the backends that are not, and refusing those of byID of which
	// something is, by ID.
	refused  []proxyconfig.RefusedItem
	refusing []*backend
	// certified says that the Gateway presents a certificate to some backend, which may
	// be there in another version later.
	certified bool
}

// backend is a sound backend.
type backend struct {
	id        string
	protocol  string
	cluster   *balance.Cluster
	transport *Transport
	refused   []proxyconfig.RefusedItem
}

// serves says whether a rule of a route of a kind may name the backend.
func (b *backend) serves(kind string) bool {
	of := proxyconfig.Backend{Protocol: b.protocol}
	return of.Serves(kind)
}

func compareBackends(a, b *backend) int { return strings.Compare(a.id, b.id) }

// reach returns what serves a backend, and how that is spoken to; nil where the
// configuration has no such backend.
func (t *backendTable) reach(id string) (*balance.Cluster, *Transport) {
	if b, ok := t.byID.Get(id); ok {
		return b.cluster, b.transport
	}
	return nil, nil
}

// compileBackends goes by what differs from the snapshot before where it can.
func (c *compiler) compileBackends() {
	if p := c.in.Previous; p == nil || len(p.backends.refused) > 0 || p.backends.certified && !c.sameCertificates || !c.amendBackends(p) {
		c.compileAllBackends()
	}
	c.refused = append(c.refused, c.out.backends.refused...)
	for _, b := range c.out.backends.refusing {
		c.refused = append(c.refused, b.refused...)
	}
}

// amendBackends compiles the backends that changed. It returns false, and has done
// nothing, where one of them is to be refused.
func (c *compiler) amendBackends(p *Snapshot) bool {
	before, now := p.Config.BackendPieces(), c.in.Config.BackendPieces()
	leaving, entering := before.Beside(now), now.Beside(before)
	gone := make(map[string]*proxyconfig.Backend, len(leaving))
	for _, b := range leaving {
		gone[b.ID] = b
	}
	var come []*proxyconfig.Backend
	seen := make(map[string]bool, len(entering))
	for _, b := range entering {
		old := gone[b.ID]
		if _, there := p.backends.byID.Get(b.ID); seen[b.ID] || there && old == nil {
			return false
		}
		seen[b.ID] = true
		if old != nil && reflect.DeepEqual(old, b) {
			// Nothing was refused before, so that this is sound.
			continue
		}
		if proxyconfig.ValidateBackend(b) != nil {
			return false
		}
		come = append(come, b)
	}
	maps.DeleteFunc(gone, func(id string, _ *proxyconfig.Backend) bool { return seen[id] })
	if len(come)+len(gone) == 0 {
		c.out.backends = p.backends
		return true
	}
	left := slices.Sorted(maps.Keys(gone))
	c.out.change = c.in.Registry.Amend(come, left)
	c.enterBackends(p.backends, come, left)
	return true
}

func (c *compiler) compileAllBackends() {
	t := &backendTable{}
	backends := proxyconfig.ValidBackends(c.in.Config, func(item proxyconfig.RefusedItem) { t.refused = append(t.refused, item) })
	c.out.change = c.in.Registry.Prepare(backends)
	c.allBackends = true
	c.enterBackends(t, backends, nil)
}

// enterBackends makes the table of the snapshot: the one given, with some backends
// compiled anew and without those that are gone.
func (c *compiler) enterBackends(from *backendTable, come []*proxyconfig.Backend, gone []string) {
	t := *from
	c.out.backends = &t
	table := t.byID.Edit()
	for _, id := range gone {
		table.Delete(id)
		c.rerouted[id] = true
	}
	refused := map[string][]proxyconfig.RefusedItem{}
	for _, item := range c.out.change.Refused() {
		refused[item.Name] = append(refused[item.Name], item)
	}
	var refusing []*backend
	for _, in := range come {
		b := c.compileBackend(in, refused[in.ID])
		if old, there := table.Get(b.id); !there || old.cluster != b.cluster || old.transport != b.transport {
			c.rerouted[b.id] = true
		}
		table.Set(b.id, b)
		t.certified = t.certified || hasCertificate(in)
		if len(b.refused) > 0 {
			refusing = append(refusing, b)
		}
	}
	t.byID = table.Map()
	t.refusing = slices.DeleteFunc(append(refusing, t.refusing...), func(b *backend) bool {
		current, _ := t.byID.Get(b.id)
		return current != b
	})
	slices.SortFunc(t.refusing, compareBackends)
}

func (c *compiler) compileBackend(in *proxyconfig.Backend, refused []proxyconfig.RefusedItem) *backend {
	b := &backend{id: in.ID, protocol: in.Protocol, cluster: c.out.change.Cluster(in.ID), refused: refused}
	b.transport = c.compileTransport(in, func(reason string) { b.refused = append(b.refused, backendItem(in, reason)) })
	return b
}

// hasCertificate says whether the Gateway presents a certificate to the backend.
func hasCertificate(b *proxyconfig.Backend) bool {
	return b.TLS != nil && b.TLS.ClientCertificate != nil
}
