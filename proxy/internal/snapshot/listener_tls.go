package snapshot

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/router"
)

// listenerTLS is an HTTPS listener as it terminates TLS.
type listenerTLS struct {
	label    *Listener
	hostname string
	config   *tls.Config
	// err, when not nil, fails every handshake: the listener was refused.
	err error

	// all are the certificates in their order, and byName those for a name.
	all    []*tls.Certificate
	byName router.Hosts[[]*tls.Certificate]
}

// compileListenerTLS names what it refuses, and makes a listener that fails its
// handshakes where nothing else is safe.
func (c *compiler) compileListenerTLS(f *frame, l *proxyconfig.Listener) *listenerTLS {
	out := &listenerTLS{hostname: l.Hostname}
	out.err = proxyconfig.ValidateListenerTLS(l.TLS)
	if out.err == nil {
		c.loadCertificates(f, l, out)
		if len(out.all) == 0 {
			out.err = fmt.Errorf("listener %q has no certificate that can be used", l.Name)
		}
	}
	if out.err == nil {
		out.config, out.err = c.listenerConfig(f, l, out)
	}
	if out.err != nil {
		f.refuse(proxyconfig.RefusedItem{Kind: proxyconfig.KindListener, Name: l.Name, Reason: out.err.Error()})
	}
	return out
}

// loadCertificates loads those of a listener. One that cannot be used is left
// out, one that is stale is used, and both are named.
func (c *compiler) loadCertificates(f *frame, l *proxyconfig.Listener, out *listenerTLS) {
	for _, ref := range l.Certificates {
		cert, stale, err := loadCertificate(ref, c.in.Certificates)
		if err != nil {
			f.refuse(certificateItem(l, ref, err.Error()))
			continue
		}
		if stale {
			f.refuse(certificateItem(l, ref, staleCertificate))
		}
		out.add(cert)
		f.expiries = append(f.expiries, Expiry{l.Name, cert.Leaf.NotAfter})
	}
}

func certificateItem(l *proxyconfig.Listener, ref proxyconfig.CertificateRef, reason string) proxyconfig.RefusedItem {
	return proxyconfig.RefusedItem{Kind: proxyconfig.KindCertificate, Name: l.Name, Reason: ref.Key + ": " + reason}
}

func (l *listenerTLS) add(cert *tls.Certificate) {
	l.all = append(l.all, cert)
	names := l.byName.Edit()
	for _, name := range cert.Leaf.DNSNames {
		name = strings.ToLower(name)
		others, _ := names.Get(name)
		names.Set(name, append(others, cert))
	}
	l.byName = names.Hosts()
}

// certificate selects among the certificates for the client's server name the
// first that the client can verify, which tells an RSA from an ECDSA one. A name
// that no certificate is for gets the first of all.
func (l *listenerTLS) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	candidates, ok := l.byName.Find([]byte(ServerName(hello.ServerName)))
	if !ok {
		candidates = l.all
	}
	// The name has been seen to. What crypto/tls says of it differs, as it has a
	// wildcard stand for one label.
	nameless := *hello
	nameless.ServerName = ""
	for _, cert := range candidates {
		if nameless.SupportsCertificate(cert) == nil {
			return cert, nil
		}
	}
	return candidates[0], nil
}

// listenerConfig makes the tls.Config of a listener whose options are valid.
func (c *compiler) listenerConfig(f *frame, l *proxyconfig.Listener, out *listenerTLS) (*tls.Config, error) {
	var options proxyconfig.ListenerTLS
	if l.TLS != nil {
		options = *l.TLS
	}
	tickets := c.tickets(f, l, options.ClientValidation)
	config := &tls.Config{
		GetCertificate: out.certificate,
		WrapSession:    tickets.EncryptTicket,
		UnwrapSession:  tickets.DecryptTicket,
	}
	if l.Protocol == proxyconfig.HTTPS {
		// What else is in TLS only the backend knows, so nothing is agreed on.
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	if err := setVersions(config, options.MinVersion, options.CipherSuites); err != nil {
		return nil, err
	}
	return config, setClientValidation(config, options.ClientValidation)
}

// setVersions sets the oldest version and the suites of TLS 1.2.
func setVersions(config *tls.Config, oldest proxyconfig.TLSVersion, suites []string) (err error) {
	if config.MinVersion, err = oldest.ID(); err != nil {
		return err
	}
	config.CipherSuites, err = proxyconfig.CipherSuiteIDs(suites)
	if len(suites) == 0 {
		config.CipherSuites = aeadSuites()
	}
	return err
}

// setClientValidation has clients asked for a certificate (GEP-91). Without a
// bundle that can be used there is an error, and never no validation.
func setClientValidation(config *tls.Config, v *proxyconfig.ClientValidation) (err error) {
	if v == nil {
		return nil
	}
	if config.ClientCAs, err = certPool(v.CACertificates); err != nil {
		return err
	}
	if v.Mode == proxyconfig.AllowInsecureFallback {
		config.ClientAuth = tls.RequestClientCert
		return nil
	}
	config.ClientAuth = tls.RequireAnyClientCert
	config.VerifyPeerCertificate = clientVerifier(config.ClientCAs)
	return nil
}

// maxClientChain bounds the certificates that a client sends. Each may have been
// issued by each other one, as far as their names say, which it costs a
// verification to find out: crypto/tls, which would make a hundred of them, has no
// bound of its own.
const maxClientChain = 5

// clientVerifier verifies what clients send as crypto/tls does where it is asked
// to. Sessions that are resumed keep to the authorities by their tickets.
func clientVerifier(roots *x509.CertPool) func([][]byte, [][]*x509.Certificate) error {
	return func(raw [][]byte, _ [][]*x509.Certificate) error {
		if len(raw) == 0 || len(raw) > maxClientChain {
			return fmt.Errorf("the client has sent %d certificates", len(raw))
		}
		options := x509.VerifyOptions{
			Roots: roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
		var leaf *x509.Certificate
		for i, der := range raw {
			cert, err := x509.ParseCertificate(der)
			switch {
			case err != nil:
				return err
			case i == 0:
				leaf = cert
			default:
				options.Intermediates.AddCert(cert)
			}
		}
		_, err := leaf.Verify(options)
		return err
	}
}

func certPool(bundle string) (*x509.CertPool, error) {
	certs, err := proxyconfig.ParseCACertificates(bundle)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AddCert(cert)
	}
	return pool, nil
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
