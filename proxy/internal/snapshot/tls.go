package snapshot

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

// TLS is how a port terminates TLS. It is immutable; certificates that change
// come with a new Snapshot.
type TLS struct {
	Config *tls.Config

	// identity is what Config was made of; a port of the next snapshot with the
	// same identity keeps this TLS, and so its session tickets.
	identity  []listenerIdentity
	listeners router.Hosts[*listenerTLS]
}

// listenerTLS holds the certificates of one listener.
type listenerTLS struct {
	// byName maps the names that the certificates are for; fallback is the first
	// certificate.
	byName   router.Hosts[*tls.Certificate]
	fallback *tls.Certificate
	// err, when not nil, fails every handshake: the listener was refused.
	err error
}

// listenerIdentity tells whether two listeners terminate TLS alike.
type listenerIdentity struct {
	hostname string
	// certificates are the leaves as they are served.
	certificates string
	refused      bool
}

var errNoListener = errors.New("no listener for the server name")

// newTLS makes the TLS of a port, or returns previous where it is the same.
func newTLS(previous *TLS, listeners []*tlsListener) *TLS {
	t := &TLS{}
	for _, l := range listeners {
		t.identity = append(t.identity, l.identity())
		t.listeners.Set(l.Hostname, l.compile())
	}
	if previous != nil && slices.Equal(previous.identity, t.identity) {
		return previous
	}
	t.Config = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   aeadSuites(),
		NextProtos:     []string{"http/1.1"},
		GetCertificate: t.certificate,
	}
	return t
}

// aeadSuites are the suites of TLS 1.2 that are not CBC; those of TLS 1.3 all
// are AEAD and not configurable.
func aeadSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// certificate selects by server name: first the listener, by the same rule as
// requests, then among its certificates the one for that name.
func (t *TLS) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := []byte(strings.ToLower(strings.TrimSuffix(hello.ServerName, ".")))
	l, ok := t.listeners.Find(name)
	if !ok {
		return nil, errNoListener
	}
	if l.err != nil {
		return nil, l.err
	}
	if cert, ok := l.byName.Find(name); ok {
		return cert, nil
	}
	return l.fallback, nil
}

// tlsListener is an HTTPS listener with the certificates that could be loaded.
type tlsListener struct {
	*proxyconfig.Listener
	certificates []*tls.Certificate
	refused      error
}

// loadListener loads the certificates of a listener. One that cannot be used
// refuses the listener, unless others are left; one that is stale is used, and
// named.
func loadListener(l *proxyconfig.Listener, from Certificates, refuse func(proxyconfig.RefusedItem)) *tlsListener {
	out := &tlsListener{Listener: l}
	for _, ref := range l.Certificates {
		cert, stale, err := loadCertificate(ref, from)
		switch {
		case err != nil:
			refuse(certificateItem(l, ref, err.Error()))
			continue
		case stale:
			refuse(certificateItem(l, ref, "the certificate is not the one that was rendered"))
		}
		out.certificates = append(out.certificates, cert)
	}
	if len(out.certificates) == 0 {
		out.refused = fmt.Errorf("listener %q has no certificate that can be used", l.Name)
		refuse(proxyconfig.RefusedItem{Kind: proxyconfig.KindListener, Name: l.Name, Reason: out.refused.Error()})
	}
	return out
}

func certificateItem(l *proxyconfig.Listener, ref proxyconfig.CertificateRef, reason string) proxyconfig.RefusedItem {
	return proxyconfig.RefusedItem{Kind: proxyconfig.KindCertificate, Name: l.Name, Reason: ref.Key + ": " + reason}
}

func (l *tlsListener) identity() listenerIdentity {
	id := listenerIdentity{hostname: l.Hostname, refused: l.refused != nil}
	var all []byte
	for _, cert := range l.certificates {
		for _, der := range cert.Certificate {
			all = append(all, der...)
		}
	}
	id.certificates = string(all)
	return id
}

func (l *tlsListener) compile() *listenerTLS {
	out := &listenerTLS{err: l.refused}
	for _, cert := range l.certificates {
		if out.fallback == nil {
			out.fallback = cert
		}
		for _, name := range cert.Leaf.DNSNames {
			name = strings.ToLower(name)
			if _, taken := out.byName.Get(name); !taken {
				out.byName.Set(name, cert)
			}
		}
	}
	return out
}
