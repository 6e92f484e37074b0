package graph

import (
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// BackendTLS is how a backend is reached over TLS.
type BackendTLS struct {
	// ServerName is lower case.
	ServerName string
	// CACertificates are PEM. They are empty where SystemCAs is set.
	CACertificates  string
	SystemCAs       bool
	SubjectAltNames []gatewayv1.SubjectAltName
	// ClientCertificate is what an XBackend has presented to its endpoints; nil for
	// nothing. Services are presented that of the Gateway.
	ClientCertificate *Certificate
	// Invalid says why the backend cannot be reached, and is empty otherwise.
	Invalid string
}

// ReasonInvalidPolicy is the reason of a route's ResolvedRefs when a
// BackendTLSPolicy that it depends on is not valid. The Gateway API asks for the
// condition, and has no reason for it.
const ReasonInvalidPolicy gatewayv1.RouteConditionReason = "InvalidBackendTLSPolicy"

func newPolicy(source *gatewayv1.BackendTLSPolicy) *Policy {
	return &Policy{PolicyNode: PolicyNode{Kind: store.KindBackendTLSPolicy, Meta: &source.ObjectMeta}, Source: source, TLS: &BackendTLS{}}
}

// readPolicy fills in what the policy asks for.
func (b *builder) readPolicy(policy *Policy) {
	source := policy.Source
	policy.TLS.ServerName = strings.ToLower(string(source.Spec.Validation.Hostname))
	policy.TLS.SubjectAltNames = source.Spec.Validation.SubjectAltNames
	if !validPreciseHostname(policy.TLS.ServerName) {
		policy.refuse(gatewayv1.PolicyReasonInvalid, "spec.validation.hostname %q is not valid", source.Spec.Validation.Hostname)
	}
	b.readAuthorities(policy)
	policy.checkSubjectAltNames()
	if len(source.Spec.Options) > 0 {
		policy.Notes = append(policy.Notes, "spec.options have no effect")
	}
	b.checkRoom(&policy.PolicyNode, source)
}

// readAuthorities reads whom the policy trusts: the CA certificates that it
// refers to, or those of the system.
func (b *builder) readAuthorities(policy *Policy) {
	validation := &policy.Source.Spec.Validation
	wellKnown := value(validation.WellKnownCACertificates, "")
	switch {
	case wellKnown != "" && len(validation.CACertificateRefs) > 0:
		policy.refuse(gatewayv1.PolicyReasonInvalid, "spec.validation has both caCertificateRefs and wellKnownCACertificates")
	case wellKnown == gatewayv1.WellKnownCACertificatesSystem:
		policy.TLS.SystemCAs = true
	case wellKnown != "":
		policy.refuse(gatewayv1.PolicyReasonInvalid, "spec.validation.wellKnownCACertificates %q is not known", wellKnown)
	case len(validation.CACertificateRefs) == 0:
		policy.refuse(gatewayv1.PolicyReasonInvalid, "spec.validation has neither caCertificateRefs nor wellKnownCACertificates")
	default:
		b.readAuthorityRefs(policy)
	}
}

// readAuthorityRefs reads the references one by one: a bad one is a problem, and
// whoever it would have vouched for is not trusted.
func (b *builder) readAuthorityRefs(policy *Policy) {
	for i, ref := range policy.Source.Spec.Validation.CACertificateRefs {
		field := "spec.validation.caCertificateRefs[" + strconv.Itoa(i) + "]"
		bundles := store.IsTrustBundle(ref.Group, ref.Kind)
		if bundles && b.lacksTrustBundles() {
			policy.unresolved(gatewayv1.BackendTLSPolicyReasonInvalidKind, "%s %s", field, noTrustBundles)
			continue
		}
		if !bundles && (ref.Group != "" || (ref.Kind != "ConfigMap" && ref.Kind != "Secret")) {
			policy.unresolved(gatewayv1.BackendTLSPolicyReasonInvalidKind,
				"%s names a %s of group %q; only ConfigMaps, Secrets and ClusterTrustBundles are supported", field, ref.Kind, ref.Group)
			continue
		}
		name := types.NamespacedName{Namespace: policy.Source.Namespace, Name: string(ref.Name)}
		if bundles {
			name.Namespace = ""
		}
		bundle, problem := b.authority(ref.Kind, name)
		if problem != "" {
			policy.unresolved(gatewayv1.BackendTLSPolicyReasonInvalidCACertificateRef,
				"%s: %s %s %s", field, ref.Kind, strings.TrimPrefix(name.String(), "/"), problem)
			continue
		}
		policy.TLS.CACertificates += strings.TrimRight(bundle, "\n") + "\n"
	}
	if policy.TLS.CACertificates == "" {
		policy.refuse(gatewayv1.BackendTLSPolicyReasonNoValidCACertificate, "no valid CA certificate is left: %s",
			policy.Problems.Message(string(gatewayv1.BackendTLSPolicyConditionResolvedRefs)))
	}
}

// authority returns the CA certificates of a ConfigMap, a Secret or a
// ClusterTrustBundle. They are part of the configuration, where key material must
// not be: anything but certificates is refused.
func (b *builder) authority(kind gatewayv1.Kind, name types.NamespacedName) (bundle, problem string) {
	if kind == store.TrustBundle {
		return b.trustBundle(name.Name)
	}
	if kind != "Secret" {
		return readBundle(b.in.ConfigMaps[name])
	}
	secret := b.in.Secrets[name]
	if secret == nil {
		return readBundle(nil)
	}
	public := &corev1.ConfigMap{Data: make(map[string]string)}
	if data, has := secret.Data[caCertificateKey]; has {
		public.Data[caCertificateKey] = string(data)
	}
	return readBundle(public)
}

func (p *Policy) checkSubjectAltNames() {
	for i, name := range p.TLS.SubjectAltNames {
		field := "spec.validation.subjectAltNames[" + strconv.Itoa(i) + "]"
		switch name.Type {
		case gatewayv1.HostnameSubjectAltNameType:
			if !validHostname(strings.ToLower(string(name.Hostname))) {
				p.refuse(gatewayv1.PolicyReasonInvalid, "%s.hostname %q is not valid", field, name.Hostname)
			}
		case gatewayv1.URISubjectAltNameType:
			if uri, err := url.Parse(string(name.URI)); err != nil || uri.Scheme == "" {
				p.refuse(gatewayv1.PolicyReasonInvalid, "%s.uri %q is not a URI", field, name.URI)
			}
		default:
			p.refuse(gatewayv1.PolicyReasonInvalid, "%s.type %q is not known", field, name.Type)
		}
	}
}

// readClientCertificate reads what the Gateway presents to backends that ask for
// it (GEP-3155).
func (b *builder) readClientCertificate(g *Gateway) {
	tls := g.Source.Spec.TLS
	if tls == nil || tls.Backend == nil || tls.Backend.ClientCertificateRef == nil {
		return
	}
	const field = "spec.tls.backend.clientCertificateRef"
	ref := tls.Backend.ClientCertificateRef
	unresolved := func(reason gatewayv1.GatewayConditionReason, format string, args ...any) {
		g.Problems.Add(string(gatewayv1.GatewayConditionResolvedRefs), string(reason), field+format, args...)
	}
	if group, kind := value(ref.Group, ""), value(ref.Kind, "Secret"); group != "" || kind != "Secret" {
		unresolved(gatewayv1.GatewayReasonInvalidClientCertificateRef,
			" names a %s of group %q; only Secrets are supported", kind, group)
		return
	}
	name := types.NamespacedName{
		Namespace: string(value(ref.Namespace, gatewayv1.Namespace(g.Source.Namespace))),
		Name:      string(ref.Name),
	}
	if !b.grants.allow("Gateway", g.Source.Namespace, secretObject(name)) {
		unresolved(gatewayv1.GatewayReasonRefNotPermitted,
			": no ReferenceGrant in namespace %s lets Gateways of namespace %s use Secret %s",
			name.Namespace, g.Source.Namespace, name.Name)
		return
	}
	certificate, problem := parseCertificate(name, b.in.Secrets[name])
	if problem != "" {
		unresolved(gatewayv1.GatewayReasonInvalidClientCertificateRef, ": Secret %s %s", name, problem)
	}
	g.ClientCertificate = certificate
}
