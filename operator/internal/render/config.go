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
