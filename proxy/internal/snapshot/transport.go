package snapshot

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// sessionsPerBackend bounds the sessions that a Transport remembers. All its
// endpoints have one server name, and so share one entry for a version of TLS.
const sessionsPerBackend = 8

// Transport is how a backend is spoken to. What is exported of it never changes.
// It lives on across snapshots as long as nothing of it changes, its TLS sessions
// with it: connections made through one Transport must not serve another.
type Transport struct {
	// HTTP2 says that HTTP/2 is spoken: with prior knowledge where there is no
	// TLS.
	HTTP2 bool
	// TLS is nil for plaintext.
	TLS *tls.Config
	// SentProxy, where it is set, is the version of the PROXY protocol header that
	// each connection begins with.
	SentProxy proxyconfig.ProxyVersion
	// Err, when not nil, says why no connection may be made: requests are
	// answered 502.
	Err error

	source transportSource
}

// transportSource is what a Transport was made of, by the newest configuration
// that it was part of. It belongs to Compile.
type transportSource struct {
	protocol string
	proxied  proxyconfig.ProxyVersion
	tls      *proxyconfig.BackendTLS
	// certificate is the chain that the Gateway presents, as it is served.
	certificate [][]byte
}

// plain are the Transports by protocol that have neither TLS nor a PROXY header. All
// backends of a protocol share one: it has no state, and connections are told apart by
// their endpoints, too. A backend of another protocol has another Transport, by which
// routes see that.
var plain = func() map[string]*Transport {
	shared := map[string]*Transport{}
	for _, protocol := range []string{proxyconfig.BackendHTTP1, proxyconfig.BackendHTTP2, proxyconfig.BackendTCP, proxyconfig.BackendUDP} {
		shared[protocol] = &Transport{HTTP2: protocol == proxyconfig.BackendHTTP2}
	}
	return shared
}()

var errNoHTTP2 = errors.New("the backend does not speak HTTP/2 over TLS")

// compileTransport takes over the one of the snapshot before where it can.
func (c *compiler) compileTransport(b *proxyconfig.Backend, refuse func(reason string)) *Transport {
	if shared := plain[b.Protocol]; shared != nil && b.TLS == nil && b.ProxyProtocol == "" {
		return shared
	}
	source := transportSource{protocol: b.Protocol, proxied: b.ProxyProtocol, tls: b.TLS}
	cert, err := c.clientCertificate(b, refuse)
	if cert != nil {
		source.certificate = cert.Certificate
	}
	if previous := c.previousTransport(b.ID); err == nil && previous != nil && previous.reusable(source) {
		previous.source = source
		return previous
	}
	t := &Transport{HTTP2: b.Protocol == proxyconfig.BackendHTTP2, SentProxy: b.ProxyProtocol, source: source}
	if b.TLS == nil {
		return t
	}
	if err == nil {
		t.TLS, err = backendConfig(b.TLS, b.Protocol)
	}
	if err != nil {
		t.TLS, t.Err = nil, err
		refuse(err.Error())
	} else if cert != nil {
		t.TLS.Certificates = []tls.Certificate{*cert}
	}
	return t
}

func (c *compiler) previousTransport(id string) *Transport {
	if c.in.Previous == nil {
		return nil
	}
	_, transport := c.in.Previous.backends.reach(id)
	return transport
}

func (t *Transport) reusable(source transportSource) bool {
	return t.Err == nil && reflect.DeepEqual(t.source, source)
}

// clientCertificate loads what the Gateway presents to a backend, if anything
// (GEP-3155).
func (c *compiler) clientCertificate(b *proxyconfig.Backend, refuse func(reason string)) (*tls.Certificate, error) {
	if b.TLS == nil || b.TLS.ClientCertificate == nil {
		return nil, nil
	}
	ref := *b.TLS.ClientCertificate
	cert, stale, err := loadCertificate(ref, c.in.Certificates)
	if err != nil {
		return nil, fmt.Errorf("client certificate %s: %w", ref.Key, err)
	}
	if stale {
		refuse("client certificate " + ref.Key + ": " + staleCertificate)
	}
	return cert, nil
}

func backendItem(b *proxyconfig.Backend, reason string) proxyconfig.RefusedItem {
	return proxyconfig.RefusedItem{Kind: proxyconfig.KindBackend, Name: b.ID, Reason: reason}
}

// backendConfig makes the tls.Config towards a backend. What cannot be used is
// an error, and never less verification.
func backendConfig(t *proxyconfig.BackendTLS, protocol string) (*tls.Config, error) {
	if err := proxyconfig.ValidateBackendTLS(t); err != nil {
		return nil, err
	}
	config := &tls.Config{
		ServerName:         t.ServerName,
		ClientSessionCache: tls.NewLRUClientSessionCache(sessionsPerBackend),
	}
	if err := setVersions(config, t.MinVersion, nil); err != nil {
		return nil, err
	}
	if !t.SystemCAs {
		var err error
		if config.RootCAs, err = certPool(t.CACertificates); err != nil {
			return nil, err
		}
	}
	v := &verification{roots: config.RootCAs, names: t.SubjectAltNames}
	switch protocol {
	case proxyconfig.BackendHTTP1:
		config.NextProtos = []string{"http/1.1"}
	case proxyconfig.BackendHTTP2:
		config.NextProtos = []string{"h2"}
		v.protocol = "h2"
	}
	config.VerifyConnection = v.verify
	// The names take the place of the server name, which crypto/tls would verify
	// by itself; the verification below does the rest of its work.
	config.InsecureSkipVerify = len(t.SubjectAltNames) > 0
	return config, nil
}

// verification checks a connection to a backend, a resumed one too.
type verification struct {
	// roots are nil for those of the system.
	roots *x509.CertPool
	// names are empty where crypto/tls has verified the server name.
	names []proxyconfig.SubjectAltName
	// protocol, when not empty, is what ALPN must have agreed on.
	protocol string
}

func (v *verification) verify(state tls.ConnectionState) error {
	if v.protocol != "" && state.NegotiatedProtocol != v.protocol {
		return errNoHTTP2
	}
	if len(v.names) == 0 {
		return nil
	}
	if len(state.PeerCertificates) == 0 {
		return errors.New("the backend presented no certificate")
	}
	options := x509.VerifyOptions{Roots: v.roots, Intermediates: x509.NewCertPool()}
	for _, cert := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(cert)
	}
	leaf := state.PeerCertificates[0]
	if _, err := leaf.Verify(options); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
	}
	for i := range v.names {
		if hasName(leaf, &v.names[i]) {
			return nil
		}
	}
	return errors.New("the backend's certificate has none of the subject alternative names")
}

// hasName says whether a certificate is for a name of a BackendTLSPolicy.
func hasName(cert *x509.Certificate, name *proxyconfig.SubjectAltName) bool {
	if name.URI != "" {
		for _, uri := range cert.URIs {
			if uri.String() == name.URI {
				return true
			}
		}
		return false
	}
	return hasHostname(cert, name.Hostname)
}

// hasHostname follows the rules of crypto/x509, by which a wildcard in the
// certificate stands for one label. A wildcard in the policy is met by the same
// wildcard in the certificate, and by a name that it stands for.
func hasHostname(cert *x509.Certificate, name string) bool {
	suffix, wildcard := strings.CutPrefix(name, "*")
	if !wildcard {
		return cert.VerifyHostname(name) == nil
	}
	for _, have := range cert.DNSNames {
		label, rest, _ := strings.Cut(have, ".")
		if label != "" && strings.EqualFold("."+rest, suffix) {
			return true
		}
	}
	return false
}
