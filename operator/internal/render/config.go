package render

import (
	"cmp"
	"slices"
	"strconv"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// Config renders what the proxies of the graph's Gateway serve.
func Config(g *graph.Graph) proxyconfig.Config { return new(Memory).Config(g) }

func config(g *graph.Graph, r *revision) proxyconfig.Config {
	config := proxyconfig.Config{
		Listeners: listeners(g.Gateway.AllListeners()),
		Routes:    routes(g.Routes, r.route),
		Tracing:   tracing(g.Tracing),
		Settings:  settings(g.Gateway.Parameters.Spec.Proxy),
	}
	wanted := referenced(config.Listeners, config.Routes)
	if config.Tracing != nil {
		wanted.add(config.Tracing.Collector, asksItself)
	}
	config.Backends = backends(g.Backends, wanted, r)
	return config
}

// use is what a backend is there for.
type use uint8

const (
	// asksItself: the proxy has questions or reports of its own for it.
	asksItself use = 1 << iota
	// servesClients: it gets the requests of clients, or copies of them.
	servesClients
)

// uses are by the IDs of backends.
type uses map[string]use

func (u uses) add(id string, what use) { u[id] |= what }

// referenced are the backends that the listeners and the routes lead to. A route
// that may not attach, in whatever namespace, adds nothing to the configuration.
func referenced(listeners []proxyconfig.Listener, routes []proxyconfig.Route) uses {
	all := make(uses)
	for i := range listeners {
		if filters := listeners[i].Filters; filters != nil {
			for _, filter := range filters.Requests {
				all.add(filter.ExternalAuth.Backend, asksItself)
			}
		}
	}
	for i := range routes {
		for j := range routes[i].Rules {
			rule := &routes[i].Rules[j]
			for _, ref := range rule.Backends {
				all.add(ref.Backend, servesClients)
			}
			for _, filter := range rule.Filters {
				if filter.Mirror != nil {
					all.add(filter.Mirror.Backend, servesClients)
				}
				if filter.ExternalAuth != nil {
					all.add(filter.ExternalAuth.Backend, asksItself)
				}
			}
		}
	}
	return all
}

func listeners(nodes []*graph.Listener) []proxyconfig.Listener {
	var out []proxyconfig.Listener
	for _, node := range nodes {
		if !node.Serves() {
			continue
		}
		out = append(out, proxyconfig.Listener{
			Name:         node.ID(),
			Port:         node.Source.Port,
			Protocol:     proxyconfig.Protocol(node.Source.Protocol),
			Hostname:     node.Hostname,
			Certificates: certificateRefs(node.Certificates),
			TLSMode:      tlsMode(node),
			TLS:          listenerTLS(node),
			Filters:      listenerFilters(node),
		})
	}
	slices.SortFunc(out, func(a, b proxyconfig.Listener) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// certificateRefs keeps the order of the spec, as the first certificate is the
// one for clients that name no server.
func certificateRefs(nodes []*graph.Certificate) []proxyconfig.CertificateRef {
	var out []proxyconfig.CertificateRef
	for _, node := range nodes {
		shard, key := names.Certificate(node.Secret)
		out = append(out, proxyconfig.CertificateRef{Secret: shard, Key: key, SHA256: node.SHA256})
	}
	return out
}

func backends(nodes []*graph.Backend, wanted uses, r *revision) []proxyconfig.Backend {
	var out []proxyconfig.Backend
	for _, node := range nodes {
		if rendered := r.backend(node, wanted); rendered != nil {
			out = append(out, *rendered)
		}
	}
	slices.SortFunc(out, func(a, b proxyconfig.Backend) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (a around) backend(node *graph.Backend, id string, used use) *proxyconfig.Backend {
	return &proxyconfig.Backend{
		ID:        id,
		Kind:      node.Key.Kind,
		Namespace: node.Key.Service.Namespace,
		Service:   node.Key.Service.Name,
		Port:      node.Key.Port,
		Protocol:  node.Protocol,
		TLS:       backendTLS(node.TLS, clientCertificate(node, a.certificate)),
		Endpoints: endpoints(reachable(node)),
		External:  node.External,
		Policy:    policy(node, used, a.common),
	}
}

// reachable are the endpoints of a backend. One whose BackendTLSPolicy is not valid
// has none, so that nobody can reach it in any other way than was asked for. One
// of connections may have clients who bring their own TLS.
func reachable(node *graph.Backend) []graph.Endpoint {
	if node.TLS != nil && node.TLS.Invalid != "" && node.Key.Transport != graph.Connections {
		return nil
	}
	return node.Endpoints
}

func endpoints(nodes []graph.Endpoint) []proxyconfig.Endpoint {
	var out []proxyconfig.Endpoint
	for _, node := range nodes {
		out = append(out, proxyconfig.Endpoint{
			Address:     node.Address.Addr().String(),
			Port:        int32(node.Address.Port()),
			Zone:        node.Zone,
			Terminating: node.Terminating,
		})
	}
	return out
}

// backendID is the contract's identity of a backend. Neither a namespace nor a
// name can have a slash or a colon, and no namespace an upper-case letter, so no two
// keys share an ID.
func backendID(key graph.BackendKey) string {
	kind := key.Kind
	if kind != "" {
		kind += "/"
	}
	return kind + key.Service.Namespace + "/" + key.Service.Name + ":" + strconv.Itoa(int(key.Port)) + transportSuffix(key.Transport)
}
