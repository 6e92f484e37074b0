package graph

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// ClientValidation says which certificates a listener accepts from its clients.
type ClientValidation struct {
	// CACertificates are those of all valid references, as PEM.
	CACertificates string
	Mode           gatewayv1.FrontendValidationModeType
}

// caCertificateKey is the key of a ConfigMap that holds a bundle.
const caCertificateKey = "ca.crt"

// frontendValidation returns what the Gateway asks of the clients of a port, and
// the field that says so. What is set for a port replaces the default whole
// (FrontendTLSConfig.perPort).
func frontendValidation(tls *gatewayv1.GatewayTLSConfig, port gatewayv1.PortNumber) (*gatewayv1.FrontendTLSValidation, string) {
	if tls == nil || tls.Frontend == nil {
		return nil, ""
	}
	for i := range tls.Frontend.PerPort {
		if perPort := &tls.Frontend.PerPort[i]; perPort.Port == port {
			return perPort.TLS.Validation, fmt.Sprintf("spec.tls.frontend.perPort[%d].tls.validation", i)
		}
	}
	return tls.Frontend.Default.Validation, "spec.tls.frontend.default.validation"
}

// resolveValidation reads how the Gateway wants the listener's clients to be
// validated. A bad reference is left out, which narrows who is let in; a
// listener with no good one is refused.
func (b *builder) resolveValidation(l *Listener) {
	source, field := frontendValidation(b.in.Gateway.Spec.TLS, l.Source.Port)
	if source == nil {
		return
	}
	mode := source.Mode
	switch mode {
	case "":
		mode = gatewayv1.AllowValidOnly
	case gatewayv1.AllowValidOnly, gatewayv1.AllowInsecureFallback:
	default:
		l.refuse(gatewayv1.ListenerReasonUnsupportedValue, "the Gateway's %s.mode %q is not known", field, mode)
	}
	var bundles []string
	for i := range source.CACertificateRefs {
		at := fmt.Sprintf("the Gateway's %s.caCertificateRefs[%d]", field, i)
		if bundle, ok := b.caBundle(l, at, &source.CACertificateRefs[i]); ok {
			bundles = append(bundles, bundle)
		}
	}
	if len(bundles) == 0 {
		l.refuse(gatewayv1.ListenerReasonNoValidCACertificate,
			"the Gateway's %s has no CA certificate to validate clients with", field)
		return
	}
	l.Validation = &ClientValidation{CACertificates: strings.Join(bundles, "\n"), Mode: mode}
}

func (b *builder) caBundle(l *Listener, at string, ref *gatewayv1.ObjectReference) (string, bool) {
	if store.IsTrustBundle(ref.Group, ref.Kind) {
		return b.clientTrustBundle(l, at, ref)
	}
	if ref.Group != "" || ref.Kind != "ConfigMap" {
		l.unresolved(gatewayv1.ListenerReasonInvalidCACertificateKind,
			"%s names a %s of group %q; only ConfigMaps and ClusterTrustBundles are supported", at, ref.Kind, ref.Group)
		return "", false
	}
	gateway := b.in.Gateway.Namespace
	name := types.NamespacedName{Namespace: string(value(ref.Namespace, gatewayv1.Namespace(gateway))), Name: string(ref.Name)}
	// Asked before the ConfigMap is looked at, so that nobody learns of another
	// namespace which ConfigMaps it has.
	if !b.grants.allow("Gateway", gateway, object{kind: "ConfigMap", namespace: name.Namespace, name: name.Name}) {
		b.unvalidated(l, gatewayv1.ListenerReasonRefNotPermitted, at, fmt.Sprintf(
			"no ReferenceGrant in namespace %s lets Gateways of namespace %s use ConfigMap %s", name.Namespace, gateway, name.Name))
		return "", false
	}
	bundle, problem := readBundle(b.in.ConfigMaps[name])
	if problem != "" {
		b.unvalidated(l, gatewayv1.ListenerReasonInvalidCACertificateRef, at, fmt.Sprintf("ConfigMap %s %s", name, problem))
		return "", false
	}
	return bundle, true
}

// clientTrustBundle is caBundle for a ClusterTrustBundle, for which nobody's leave
// is needed.
func (b *builder) clientTrustBundle(l *Listener, at string, ref *gatewayv1.ObjectReference) (string, bool) {
	if b.lacksTrustBundles() {
		l.unresolved(gatewayv1.ListenerReasonInvalidCACertificateKind, "%s %s", at, noTrustBundles)
		return "", false
	}
	bundle, problem := b.trustBundle(string(ref.Name))
	if ref.Namespace != nil {
		problem = "has no namespace, and the reference names one"
	}
	if problem != "" {
		b.unvalidated(l, gatewayv1.ListenerReasonInvalidCACertificateRef, at, fmt.Sprintf("ClusterTrustBundle %s %s", ref.Name, problem))
		return "", false
	}
	return bundle, true
}

// unvalidated tells of a reference of the Gateway. Owners of ListenerSets in other
// namespaces are not told to what.
func (b *builder) unvalidated(l *Listener, reason gatewayv1.ListenerConditionReason, at, problem string) {
	if l.Set != nil && l.Set.Source.Namespace != b.in.Gateway.Namespace {
		problem = "it cannot be used; the Gateway's status says why"
	}
	l.unresolved(reason, "%s: %s", at, problem)
}

func readBundle(configMap *corev1.ConfigMap) (bundle, problem string) {
	if configMap == nil {
		return "", "does not exist"
	}
	bundle, ok := configMap.Data[caCertificateKey]
	if !ok {
		return "", "has no key " + caCertificateKey
	}
	if _, err := proxyconfig.ParseCACertificates(bundle); err != nil {
		return "", "has no valid " + caCertificateKey + ": " + err.Error()
	}
	return bundle, ""
}

// InsecureFrontend returns the fields of the Gateway that let in clients without
// a valid certificate, in order.
func (g *Gateway) InsecureFrontend() []string {
	tls := g.Source.Spec.TLS
	if tls == nil || tls.Frontend == nil {
		return nil
	}
	var fields []string
	add := func(validation *gatewayv1.FrontendTLSValidation, field string) {
		if validation != nil && validation.Mode == gatewayv1.AllowInsecureFallback {
			fields = append(fields, field+".validation.mode")
		}
	}
	add(tls.Frontend.Default.Validation, "spec.tls.frontend.default")
	for i := range tls.Frontend.PerPort {
		add(tls.Frontend.PerPort[i].TLS.Validation, fmt.Sprintf("spec.tls.frontend.perPort[%d].tls", i))
	}
	return fields
}
