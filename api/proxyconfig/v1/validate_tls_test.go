package proxyconfig

import (
	"strings"
	"testing"
)

func TestValidateTLSRefusesOneItemAlone(t *testing.T) {
	key := strings.NewReplacer("CERTIFICATE", "PRIVATE KEY").Replace(authority)
	broken := strings.Replace(authority, "MII", "!!!", 1)
	validation := func(c *Config) *ClientValidation { return c.Listeners[1].TLS.ClientValidation }
	backend := func(c *Config) *BackendTLS { return c.Backends[1].TLS }
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"nothing", func(*Config) {}, ""},
		{"two authorities", func(c *Config) { validation(c).CACertificates += "and:\n" + authority }, ""},
		{"version", func(c *Config) { c.Listeners[1].TLS.MinVersion = "1.1" }, `Listener secure[0]: unknown TLS version "1.1"`},
		{"unknown suite", func(c *Config) { c.Listeners[1].TLS.CipherSuites[0] = "NULL" }, `Listener secure[0]: cipher suite "NULL"`},
		{"insecure suite", func(c *Config) { c.Listeners[1].TLS.CipherSuites[0] = "TLS_RSA_WITH_RC4_128_SHA" }, `Listener secure[0]: cipher suite`},
		{"suite of TLS 1.3", func(c *Config) { c.Listeners[1].TLS.CipherSuites[0] = "TLS_AES_128_GCM_SHA256" }, `Listener secure[0]: cipher suite`},
		{"mode", func(c *Config) { validation(c).Mode = "" }, `Listener secure[0]: unknown mode of client validation ""`},
		{"no authority", func(c *Config) { validation(c).CACertificates = "" }, "Listener secure[0]: client validation: the CA bundle holds no certificate"},
		{"key as authority", func(c *Config) { validation(c).CACertificates = key }, "Listener secure[0]: client validation: the CA bundle holds a PRIVATE KEY"},
		{"one authority of two", func(c *Config) { validation(c).CACertificates += broken }, "Listener secure[0]: client validation: the CA bundle holds a broken"},
		{"the first of two", func(c *Config) { validation(c).CACertificates = broken + authority }, "Listener secure[0]: client validation: the CA bundle holds a broken"},
		{"no certificate in PEM", func(c *Config) {
			validation(c).CACertificates = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
		}, "Listener secure[0]: client validation: CA certificate: x509"},

		{"backend invalid", func(c *Config) { backend(c).Invalid = "no such ConfigMap" }, "Backend shop/pay:443[0]: no such ConfigMap"},
		{"backend name", func(c *Config) { backend(c).ServerName = "" }, "Backend shop/pay:443[0]: the server name is not set"},
		{"backend wildcard", func(c *Config) { backend(c).ServerName = "*.a" }, `Backend shop/pay:443[0]: hostname "*.a" has a wildcard`},
		{"backend version", func(c *Config) { backend(c).MinVersion = "2" }, `Backend shop/pay:443[0]: unknown TLS version "2"`},
		{"backend without authority", func(c *Config) { backend(c).CACertificates = "" }, "Backend shop/pay:443[0]: the CA bundle holds no certificate"},
		{"backend with both", func(c *Config) { backend(c).SystemCAs = true }, "Backend shop/pay:443[0]: CA certificates and the system's"},
		{"backend client key", func(c *Config) { backend(c).ClientCertificate.Key = "../x" }, `Backend shop/pay:443[0]: certificate key "../x"`},
		{"empty alternative name", func(c *Config) { backend(c).SubjectAltNames[0] = SubjectAltName{} }, "Backend shop/pay:443[0]: a subject alternative name"},
		{"two alternative names in one", func(c *Config) { backend(c).SubjectAltNames[0].URI = "a:b" }, "Backend shop/pay:443[0]: a subject alternative name"},
		{"alternative host", func(c *Config) { backend(c).SubjectAltNames[0].Hostname = "A" }, `Backend shop/pay:443[0]: hostname "A"`},
		{"alternative URI", func(c *Config) { backend(c).SubjectAltNames[1].URI = "pay" }, `Backend shop/pay:443[0]: subject alternative name "pay"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := sampleConfig()
			c.Routes = nil
			test.change(c)
			got := refusals(c)
			if lines := strings.Count(got, "\n"); !strings.HasPrefix(got, test.want) || (test.want == "") != (lines == 0) || lines > 1 {
				t.Errorf("got:\n%swant one line that begins with:\n%s", got, test.want)
			}
		})
	}
}

func TestTLSOptionsAreRequired(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"without":  {Config{Listeners: []Listener{{}}, Backends: []Backend{{}}}, "http-routing"},
		"listener": {Config{Listeners: []Listener{{TLS: &ListenerTLS{}}}}, "http-routing tls-options"},
		"backend":  {Config{Listeners: []Listener{{}}, Backends: []Backend{{TLS: &BackendTLS{}}}}, "http-routing tls-options"},
	} {
		if got := strings.Join(Features(&test.config), " "); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}
