package store

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// FrontendCAs returns the ConfigMaps that the Gateway names as authorities of
// its clients' certificates, each once.
func FrontendCAs(gateway *gatewayv1.Gateway) []types.NamespacedName {
	var keys []types.NamespacedName
	eachFrontend(gateway, func(validation *gatewayv1.FrontendTLSValidation) {
		keys = addConfigMaps(keys, gateway.Namespace, validation)
	})
	return keys
}

// eachFrontend visits what the Gateway asks of its clients' certificates.
func eachFrontend(gateway *gatewayv1.Gateway, visit func(*gatewayv1.FrontendTLSValidation)) {
	if gateway.Spec.TLS == nil || gateway.Spec.TLS.Frontend == nil {
		return
	}
	frontend := gateway.Spec.TLS.Frontend
	if frontend.Default.Validation != nil {
		visit(frontend.Default.Validation)
	}
	for i := range frontend.PerPort {
		if validation := frontend.PerPort[i].TLS.Validation; validation != nil {
			visit(validation)
		}
	}
}

func addConfigMaps(keys []types.NamespacedName, namespace string, validation *gatewayv1.FrontendTLSValidation) []types.NamespacedName {
	for i := range validation.CACertificateRefs {
		ref := &validation.CACertificateRefs[i]
		key := types.NamespacedName{Namespace: or(ref.Namespace, namespace), Name: string(ref.Name)}
		if ref.Group == "" && ref.Kind == "ConfigMap" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}
