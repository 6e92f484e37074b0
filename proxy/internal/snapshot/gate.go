package snapshot

import (
	"net/http"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

// Gate is what the requests to a listener pass before they are routed (Gateway
// API, ListenerFilters; GEP-5224). It is immutable.
type Gate struct {
	// Rule stands for the rule of requests that do not pass. It belongs to no
	// route.
	Rule *Rule
	// Fail, when not zero, is the status that every request is answered with: the
	// filters are invalid.
	Fail int
	// Filters run in this order. There is one at least where Fail is zero.
	Filters []*ExternalAuth

	table *router.Table[*Rule]
}

// filtersLabel is what stands for the rule in the series of a listener's filters.
const filtersLabel = "listener-filters"

// Gate returns what a request for the host has to pass, or nil if nothing.
func (p *Port) Gate(host []byte) *Gate {
	if !p.gated {
		return nil
	}
	gate, _ := p.gates.Find(host)
	return gate
}

// Match returns the rule that serves a request that has passed, or nil for 404.
// Which listener the request is for was decided before. It allocates nothing and
// writes only to m.
func (g *Gate) Match(r *router.Request, m *router.Match) *Rule { return g.table.Find(r, m) }

// setGate compiles the filters of a listener of the port. Those that are refused
// have all of its requests answered 500.
func (c *compiler) setGate(p *Port, gates *router.HostsEdit[*Gate], l *boundListener, table *router.Table[*Rule]) {
	in := l.source.Filters
	if in == nil || len(in.Requests) == 0 && in.Invalid == "" {
		gates.Set(l.source.Hostname, nil)
		return
	}
	gate := &Gate{table: table, Rule: &Rule{
		Listener: l.label,
		Series:   c.out.series.id(Series{Listener: l.source.Name, Rule: filtersLabel}),
	}}
	if err := c.fillGate(gate, in); err != nil {
		gate.Fail = http.StatusInternalServerError
		c.refuse(proxyconfig.RefusedItem{Kind: proxyconfig.KindListener, Name: l.source.Name, Reason: err.Error()})
	}
	p.gated = true
	gates.Set(l.source.Hostname, gate)
}

func (c *compiler) fillGate(gate *Gate, in *proxyconfig.ListenerFilters) error {
	if err := proxyconfig.ValidateListenerFilters(in); err != nil {
		return err
	}
	for i := range in.Requests {
		chain, err := filter.Compile(in.Requests[i : i+1])
		if err != nil {
			return err
		}
		cluster, transport := c.out.backends.reach(chain.ExternalAuth.Backend)
		auth := externalAuth(chain.ExternalAuth, cluster, transport)
		if auth == nil {
			gate.Fail = http.StatusInternalServerError
		}
		gate.Filters = append(gate.Filters, auth)
	}
	return nil
}
