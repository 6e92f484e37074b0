package proxyconfig

import (
	"fmt"
	"strings"
)

// ValidateListener checks one listener by itself.
func ValidateListener(l *Listener) error {
	if l.Name == "" {
		return fmt.Errorf("the listener has no name")
	}
	if err := validatePort(l.Port); err != nil {
		return err
	}
	if err := validateHostname(l.Hostname); err != nil {
		return err
	}
	if err := validateProtocol(l); err != nil {
		return err
	}
	if err := validateSessions(l); err != nil {
		return err
	}
	return validateAcceptedProxy(l)
}

func validateCertificates(refs []CertificateRef) error {
	if len(refs) == 0 {
		return fmt.Errorf("a listener that terminates TLS needs a certificate")
	}
	for _, ref := range refs {
		if err := validateCertificateKey(ref.Key); err != nil {
			return err
		}
	}
	return nil
}

// validateCertificateKey checks a key, which becomes the name of a file.
func validateCertificateKey(key string) error {
	if key == "" || strings.ContainsAny(key, "/\\\x00") || strings.HasPrefix(key, ".") {
		return fmt.Errorf("certificate key %q is not the name of a file", key)
	}
	return nil
}

// validateHostname accepts the empty hostname, an exact one, and one with a
// leading wildcard label.
func validateHostname(h string) error {
	if h == "" {
		return nil
	}
	if len(h) > 253 {
		return fmt.Errorf("hostname %.40q... is too long", h)
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(h, "*."), ".") {
		if !isLabel(label) {
			return fmt.Errorf("hostname %q is not valid", h)
		}
	}
	return nil
}

func isLabel(s string) bool {
	if s == "" || len(s) > 63 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
