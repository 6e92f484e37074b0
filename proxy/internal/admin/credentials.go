package admin

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Credentials are the files by which the admin port shows who it is and knows
// who asks: tls.crt, tls.key and token. They are read when they are needed, so
// that a Secret that is rotated needs no restart. They are safe for concurrent
// use.
type Credentials struct {
	Dir string

	mu        sync.Mutex
	cert, key []byte
	parsed    *tls.Certificate
}

// Present says whether there are credentials at all. Without them the admin
// port stays closed.
func (c *Credentials) Present() bool {
	if c.Dir == "" {
		return false
	}
	_, err := os.Stat(c.Dir)
	return err == nil
}

// TLS returns the configuration of the admin port.
func (c *Credentials) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.certificate()
		},
	}
}

// certificate reads the key pair, and parses it if it is another one.
func (c *Credentials) certificate() (*tls.Certificate, error) {
	cert, err := os.ReadFile(filepath.Join(c.Dir, "tls.crt"))
	if err != nil {
		return nil, fmt.Errorf("reading the admin certificate: %w", err)
	}
	key, err := os.ReadFile(filepath.Join(c.Dir, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("reading the admin key: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed != nil && bytes.Equal(cert, c.cert) && bytes.Equal(key, c.key) {
		return c.parsed, nil
	}
	parsed, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("parsing the admin certificate: %w", err)
	}
	c.cert, c.key, c.parsed = cert, key, &parsed
	return c.parsed, nil
}

// permits says whether a request carries the token. What cannot be read
// permits nobody.
func (c *Credentials) permits(r *http.Request) bool {
	want, err := os.ReadFile(filepath.Join(c.Dir, "token"))
	want = bytes.TrimSpace(want)
	if err != nil || len(want) == 0 {
		return false
	}
	got, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	// Hashes are of one length, so that the comparison does not tell the
	// token's.
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256(want)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && ok
}
