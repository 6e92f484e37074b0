package store

import (
	"context"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// TrustBundle is the kind of ClusterTrustBundles, which have no namespace and need
// no grant (GEP-5075).
const TrustBundle = "ClusterTrustBundle"

// IsTrustBundle says whether a reference of the group and kind is to one.
func IsTrustBundle(group gatewayv1.Group, kind gatewayv1.Kind) bool {
	return group == certificatesv1.GroupName && kind == TrustBundle
}

// FrontendTrustBundles returns the ClusterTrustBundles that the Gateway names as
// authorities of its clients' certificates, each once.
func FrontendTrustBundles(gateway *gatewayv1.Gateway) []types.NamespacedName {
	var keys []types.NamespacedName
	eachFrontend(gateway, func(validation *gatewayv1.FrontendTLSValidation) {
		for _, ref := range validation.CACertificateRefs {
			if IsTrustBundle(ref.Group, ref.Kind) {
				keys = merge(keys, []types.NamespacedName{{Name: string(ref.Name)}})
			}
		}
	})
	return keys
}

// PolicyTrustBundles returns the ClusterTrustBundles that the policy names as
// authorities, each once.
func PolicyTrustBundles(policy *gatewayv1.BackendTLSPolicy) []types.NamespacedName {
	var keys []types.NamespacedName
	for _, ref := range policy.Spec.Validation.CACertificateRefs {
		if IsTrustBundle(ref.Group, ref.Kind) {
			keys = merge(keys, []types.NamespacedName{{Name: string(ref.Name)}})
		}
	}
	return keys
}

func (c *collector) trustBundles() {
	keys := c.validation(PolicyTrustBundles)
	keys.add(FrontendTrustBundles(c.out.Gateway))
	for key := range keys {
		if bundle := find(c, key, &certificatesv1.ClusterTrustBundle{}); bundle != nil {
			c.out.TrustBundles[key.Name] = bundle
		}
	}
}

// withTrustBundle returns the Gateways that name the ClusterTrustBundle, or that a
// policy or an XBackend touches which does.
func withTrustBundle(ctx context.Context, r client.Reader, name string) ([]types.NamespacedName, error) {
	key := types.NamespacedName{Name: name}
	own, err := gateways(ctx, r, client.MatchingFields{GatewayByTrustBundle: key.String()})
	if err != nil {
		return nil, err
	}
	byPolicies, err := withAuthority(ctx, r, PolicyByTrustBundle, key)
	if err != nil {
		return nil, err
	}
	byBackends, err := xbackendsGateways(ctx, r, client.MatchingFields{PolicyByTrustBundle: key.String()})
	return merge(merge(own, byPolicies), byBackends), err
}
