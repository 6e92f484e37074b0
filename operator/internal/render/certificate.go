package render

import (
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// CertificateSecrets returns the data of the fleet's numbered Secrets. There
// is an entry for each of them, an empty one too, so that a certificate that is
// no longer used disappears. The values are shared with the graph.
func CertificateSecrets(g *graph.Graph) [names.CertificateShards]map[string][]byte {
	var shards [names.CertificateShards]map[string][]byte
	for i := range shards {
		shards[i] = make(map[string][]byte)
	}
	if g.Gateway == nil {
		return shards
	}
	for _, listener := range g.Gateway.AllListeners() {
		if !listener.Serves() {
			continue
		}
		for _, certificate := range listener.Certificates {
			put(&shards, certificate)
		}
	}
	if presents(g) {
		put(&shards, g.Gateway.ClientCertificate)
	}
	for _, certificate := range ownCertificates(g) {
		put(&shards, certificate)
	}
	if g.Tracing != nil && g.Tracing.Headers != nil {
		put(&shards, g.Tracing.Headers)
	}
	return shards
}

// ownCertificates are those that XBackends name as their own. What neither a
// listener nor a route that is attached leads to stays where it is: its key is
// nobody's here.
func ownCertificates(g *graph.Graph) (list []*graph.Certificate) {
	var used map[string]use
	for _, backend := range g.Backends {
		if backend.TLS == nil || backend.TLS.ClientCertificate == nil {
			continue
		}
		if used == nil {
			used = allUses(g)
		}
		if used[backendID(backend.Key)] != 0 {
			list = append(list, backend.TLS.ClientCertificate)
		}
	}
	return list
}

// allUses are by the IDs of the backends.
func allUses(g *graph.Graph) map[string]use {
	all := ownReferences(listeners(g.Gateway.AllListeners()), tracing(g.Tracing))
	for _, node := range g.Routes {
		if rendered := route(node, rules); rendered != nil {
			for _, lead := range referencesOf(rendered) {
				all[lead.id] |= lead.what
			}
		}
	}
	return all
}

func put(shards *[names.CertificateShards]map[string][]byte, certificate *graph.Certificate) {
	shard, key := names.Certificate(certificate.Secret)
	shards[shard][key+".crt"] = certificate.Chain
	shards[shard][key+".key"] = certificate.Key
}
