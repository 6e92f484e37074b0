package proxyconfig

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// ValidateListenerTLS checks the options of one listener by themselves. A
// listener whose options are refused fails its own handshakes, and keeps its
// hostname: that must not fall to a listener beside it. t may be nil.
func ValidateListenerTLS(t *ListenerTLS) error {
	if t == nil {
		return nil
	}
	if _, err := t.MinVersion.ID(); err != nil {
		return err
	}
	if _, err := CipherSuiteIDs(t.CipherSuites); err != nil {
		return err
	}
	if t.ClientValidation == nil {
		return nil
	}
	return validateClientValidation(t.ClientValidation)
}

func validateClientValidation(v *ClientValidation) error {
	if v.Mode != AllowValidOnly && v.Mode != AllowInsecureFallback {
		return fmt.Errorf("unknown mode of client validation %q", v.Mode)
	}
	if _, err := ParseCACertificates(v.CACertificates); err != nil {
		return fmt.Errorf("client validation: %w", err)
	}
	return nil
}

// ValidateBackendTLS checks the TLS of one backend by itself, and returns
// BackendTLS.Invalid as an error where the operator set it. A backend whose TLS
// is refused answers an error. t may be nil.
func ValidateBackendTLS(t *BackendTLS) error {
	switch {
	case t == nil:
		return nil
	case t.Invalid != "":
		return fmt.Errorf("%s", t.Invalid)
	case t.ServerName == "":
		return fmt.Errorf("the server name is not set")
	}
	if err := validateTarget(t.ServerName); err != nil {
		return err
	}
	if _, err := t.MinVersion.ID(); err != nil {
		return err
	}
	if err := validateBackendCAs(t); err != nil {
		return err
	}
	if t.ClientCertificate != nil {
		if err := validateCertificateKey(t.ClientCertificate.Key); err != nil {
			return err
		}
	}
	for i := range t.SubjectAltNames {
		if err := validateSubjectAltName(&t.SubjectAltNames[i]); err != nil {
			return err
		}
	}
	return nil
}

func validateBackendCAs(t *BackendTLS) error {
	if t.SystemCAs {
		if t.CACertificates != "" {
			return fmt.Errorf("CA certificates and the system's exclude each other")
		}
		return nil
	}
	_, err := ParseCACertificates(t.CACertificates)
	return err
}

func validateSubjectAltName(n *SubjectAltName) error {
	switch {
	case (n.Hostname == "") == (n.URI == ""):
		return fmt.Errorf("a subject alternative name is not either a hostname or a URI")
	case n.Hostname != "":
		return validateHostname(n.Hostname)
	}
	if u, err := url.Parse(n.URI); err != nil || u.Scheme == "" {
		return fmt.Errorf("subject alternative name %q is not a URI", n.URI)
	}
	return nil
}

// ID is the version as crypto/tls numbers it.
func (v TLSVersion) ID() (uint16, error) {
	switch v {
	case "", TLS12:
		return tls.VersionTLS12, nil
	case TLS13:
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("unknown TLS version %q", v)
}

// CipherSuiteIDs returns the numbers of cipher suites of TLS 1.2. It refuses
// those that are not known and those with known weaknesses.
func CipherSuiteIDs(names []string) ([]uint16, error) {
	var ids []uint16
	for _, name := range names {
		id, ok := cipherSuiteID(name)
		if !ok {
			return nil, fmt.Errorf("cipher suite %q is unknown, insecure or not one of TLS 1.2", name)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func cipherSuiteID(name string) (uint16, bool) {
	for _, suite := range tls.CipherSuites() {
		if suite.Name == name && slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			return suite.ID, true
		}
	}
	return 0, false
}

// ParseCACertificates parses a bundle of PEM certificates. It refuses a bundle
// that is empty, or of which any part is something else: who trusts it should
// trust all that it says.
func ParseCACertificates(bundle string) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	rest := []byte(bundle)
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("the CA bundle holds a %s", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("CA certificate: %w", err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("the CA bundle holds no certificate")
	}
	// pem.Decode passes over what it cannot decode.
	if len(certs) != strings.Count(bundle, "-----BEGIN ") {
		return nil, fmt.Errorf("the CA bundle holds a broken PEM block")
	}
	return certs, nil
}
