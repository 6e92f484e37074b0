package graph

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// Certificate is a valid pair of a certificate chain and its private key.
type Certificate struct {
	// Secret is the object that it comes from.
	Secret types.NamespacedName
	// Chain is PEM, as it stands in the Secret.
	Chain []byte
	Key   PrivateKey
	// SHA256 is the lower-case hex hash of Chain.
	SHA256 string
	// Names are the DNS names that the certificate is for, in lower case.
	Names []string
}

// PrivateKey is PEM that shows up in no log and in no dump.
type PrivateKey []byte

const redacted = "[redacted]"

// Format hides the key from every verb of package fmt.
func (PrivateKey) Format(state fmt.State, _ rune) { fmt.Fprint(state, redacted) }

// MarshalText hides the key.
func (PrivateKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// resolveCertificates reads the listener's certificateRefs. Each stands for
// itself: a bad one is a problem, and the others are served.
func (b *builder) resolveCertificates(l *Listener) {
	if l.Source.TLS == nil || len(l.Source.TLS.CertificateRefs) == 0 {
		l.unresolved(gatewayv1.ListenerReasonInvalidCertificateRef,
			"protocol %s needs tls.certificateRefs", l.Source.Protocol)
		return
	}
	for i := range l.Source.TLS.CertificateRefs {
		if certificate := b.certificate(l, i); certificate != nil {
			l.Certificates = append(l.Certificates, certificate)
		}
	}
}

func (b *builder) certificate(l *Listener, i int) *Certificate {
	ref := &l.Source.TLS.CertificateRefs[i]
	group, kind := value(ref.Group, ""), value(ref.Kind, "Secret")
	if group != "" || kind != "Secret" {
		l.unresolved(gatewayv1.ListenerReasonInvalidCertificateRef,
			"tls.certificateRefs[%d] names a %s of group %q; only Secrets are supported", i, kind, group)
		return nil
	}
	owner, home := b.owner(l)
	name := types.NamespacedName{
		Namespace: string(value(ref.Namespace, gatewayv1.Namespace(home))),
		Name:      string(ref.Name),
	}
	// Asked before the Secret is looked at, so that nobody learns of another
	// namespace which Secrets it has.
	if !b.grants.allow(owner, home, secretObject(name)) {
		l.unresolved(gatewayv1.ListenerReasonRefNotPermitted,
			"tls.certificateRefs[%d]: no ReferenceGrant in namespace %s lets %ss of namespace %s use Secret %s",
			i, name.Namespace, owner, home, name.Name)
		return nil
	}
	certificate, problem := parseCertificate(name, b.in.Secrets[name])
	if problem != "" {
		l.unresolved(gatewayv1.ListenerReasonInvalidCertificateRef,
			"tls.certificateRefs[%d]: Secret %s %s", i, name, problem)
	}
	return certificate
}

// owner returns the kind and the namespace of the object that the listener is
// part of, and by which its references are judged.
func (b *builder) owner(l *Listener) (kind, namespace string) {
	if l.Set != nil {
		return store.KindListenerSet, l.Set.Source.Namespace
	}
	return "Gateway", b.in.Gateway.Namespace
}

func parseCertificate(name types.NamespacedName, secret *corev1.Secret) (_ *Certificate, problem string) {
	if secret == nil {
		return nil, "does not exist"
	}
	if secret.Type != corev1.SecretTypeTLS {
		return nil, "is not of type " + string(corev1.SecretTypeTLS)
	}
	chain, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	// The error says which part does not parse; it never quotes the data.
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, "has no valid pair of tls.crt and tls.key: " + err.Error()
	}
	sum := sha256.Sum256(chain)
	certificate := &Certificate{Secret: name, Chain: chain, Key: PrivateKey(key), SHA256: hex.EncodeToString(sum[:])}
	for _, host := range pair.Leaf.DNSNames {
		certificate.Names = append(certificate.Names, strings.ToLower(host))
	}
	return certificate, ""
}
