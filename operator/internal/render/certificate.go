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
	return shards
}

func put(shards *[names.CertificateShards]map[string][]byte, certificate *graph.Certificate) {
	shard, key := names.Certificate(certificate.Secret)
	shards[shard][key+".crt"] = certificate.Chain
	shards[shard][key+".key"] = certificate.Key
}
