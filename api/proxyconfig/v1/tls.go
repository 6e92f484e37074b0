package proxyconfig

// TLSVersion is "1.2" or "1.3".
type TLSVersion string

// The versions of TLS that may be asked for as the oldest one.
const (
	TLS12 TLSVersion = "1.2"
	TLS13 TLSVersion = "1.3"
)

// ListenerTLS says how an HTTPS listener terminates TLS, beyond its
// certificates.
type ListenerTLS struct {
	// MinVersion is the oldest version that is spoken; empty means 1.2.
	MinVersion TLSVersion `json:"minVersion,omitempty"`
	// CipherSuites are the suites of TLS 1.2 by their IANA names; empty means
	// those that are AEAD with forward secrecy. TLS 1.3 has no choice.
	CipherSuites []string `json:"cipherSuites,omitempty"`
	// ClientValidation is set where clients are asked for a certificate.
	ClientValidation *ClientValidation `json:"clientValidation,omitempty"`
}

// ClientValidationMode is what becomes of a client without a valid certificate
// (Gateway API, FrontendTLSValidation; GEP-91).
type ClientValidationMode string

// The modes of client validation.
const (
	// AllowValidOnly refuses the handshake.
	AllowValidOnly ClientValidationMode = "AllowValidOnly"
	// AllowInsecureFallback serves any client, whatever it presents.
	AllowInsecureFallback ClientValidationMode = "AllowInsecureFallback"
)

// ClientValidation says which certificates of clients are valid.
type ClientValidation struct {
	// CACertificates are the authorities, as PEM. They are public.
	CACertificates string               `json:"caCertificates"`
	Mode           ClientValidationMode `json:"mode"`
}

// BackendTLS says how the endpoints of a backend are spoken to over TLS, as a
// BackendTLSPolicy asks. A backend whose BackendTLS cannot be used answers an
// error; it is never reached without verification or in plaintext.
type BackendTLS struct {
	// ServerName is sent as SNI. The endpoint's certificate has to be for it,
	// unless SubjectAltNames are given.
	ServerName string `json:"serverName"`
	// CACertificates are the authorities, as PEM. Either they are given, or
	// SystemCAs is set.
	CACertificates string `json:"caCertificates,omitempty"`
	SystemCAs      bool   `json:"systemCAs,omitempty"`
	// SubjectAltNames are the names of which the certificate has to have one.
	SubjectAltNames []SubjectAltName `json:"subjectAltNames,omitempty"`
	// ClientCertificate is what the Gateway presents, if it is asked.
	ClientCertificate *CertificateRef `json:"clientCertificate,omitempty"`
	// MinVersion is the oldest version that is spoken; empty means 1.2.
	MinVersion TLSVersion `json:"minVersion,omitempty"`
	// Invalid says why the operator could not translate the policy.
	Invalid string `json:"invalid,omitempty"`
}

// SubjectAltName is a hostname, which may begin with a wildcard label, or a URI
// such as a SPIFFE ID. Exactly one of the two is set.
type SubjectAltName struct {
	Hostname string `json:"hostname,omitempty"`
	URI      string `json:"uri,omitempty"`
}
