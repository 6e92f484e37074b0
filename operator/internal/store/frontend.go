package store

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// FrontendCAs returns the ConfigMaps that the Gateway names as authorities of
// its clients' certificates, each once.
func FrontendCAs(gateway *gatewayv1.Gateway) []types.NamespacedName {
	if gateway.Spec.TLS == nil || gateway.Spec.TLS.Frontend == nil {
		return nil
	}
	frontend := gateway.Spec.TLS.Frontend
	keys := addConfigMaps(nil, gateway.Namespace, frontend.Default.Validation)
	for i := range frontend.PerPort {
		keys = addConfigMaps(keys, gateway.Namespace, frontend.PerPort[i].TLS.Validation)
	}
	return keys
}

func addConfigMaps(keys []types.NamespacedName, namespace string, validation *gatewayv1.FrontendTLSValidation) []types.NamespacedName {
	if validation == nil {
		return keys
	}
	for i := range validation.CACertificateRefs {
		ref := &validation.CACertificateRefs[i]
		key := types.NamespacedName{Namespace: or(ref.Namespace, namespace), Name: string(ref.Name)}
		if ref.Group == "" && ref.Kind == "ConfigMap" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}
