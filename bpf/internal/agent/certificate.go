package agent

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// rereadEvery is how often the certificate is read, at most.
const rereadEvery = 30 * time.Second

// Certificate is the one in a folder with tls.crt and tls.key, read again as
// time goes by. It is safe for concurrent use.
type Certificate struct {
	folder string
	now    func() time.Time

	mu   sync.Mutex
	read time.Time
	last *tls.Certificate
}

// NewCertificate returns that of the folder.
func NewCertificate(folder string) *Certificate {
	return &Certificate{folder: folder, now: time.Now}
}

// Get is for tls.Config.GetCertificate. One that cannot be read any more is
// used on.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); c.last == nil || now.Sub(c.read) >= rereadEvery {
		pair, err := tls.LoadX509KeyPair(filepath.Join(c.folder, "tls.crt"), filepath.Join(c.folder, "tls.key"))
		if err == nil {
			c.last, c.read = &pair, now
		} else if c.last == nil {
			return nil, fmt.Errorf("reading the agent's certificate: %w", err)
		}
	}
	return c.last, nil
}
