package graph

import (
	"slices"

	certificatesv1 "k8s.io/api/certificates/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// lacks says whether the cluster does not have a kind.
func (b *builder) lacks(kind string) bool { return slices.Contains(b.in.MissingKinds, kind) }

// noTrustBundles is the problem of references where the API server does not have
// the kind (GEP-5075, "API Availability").
const noTrustBundles = "names a ClusterTrustBundle, and the API server does not have the kind"

// trustBundle returns the CA certificates of a ClusterTrustBundle.
func (b *builder) trustBundle(name string) (bundle, problem string) {
	source := b.in.TrustBundles[name]
	if source == nil {
		return "", "does not exist"
	}
	return readTrustBundle(source)
}

func readTrustBundle(source *certificatesv1.ClusterTrustBundle) (bundle, problem string) {
	if _, err := proxyconfig.ParseCACertificates(source.Spec.TrustBundle); err != nil {
		return "", "has no valid spec.trustBundle: " + err.Error()
	}
	return source.Spec.TrustBundle, ""
}

func (b *builder) lacksTrustBundles() bool { return b.lacks(store.TrustBundle) }
