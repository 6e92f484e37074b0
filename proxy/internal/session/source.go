package session

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"sync"
)

// Source is where a proxy has the fleet's secret from. It is safe for concurrent
// use.
type Source struct {
	// Dir is that of the admin port's credentials. It may be empty.
	Dir string

	once sync.Once
	own  []byte
}

// Secret returns what keys are derived from. Where the fleet has none it is the
// proxy's own: sessions then hold with this proxy, until it is restarted.
func (s *Source) Secret() []byte {
	if s.Dir != "" {
		if token, err := os.ReadFile(filepath.Join(s.Dir, "token")); err == nil {
			if token = bytes.TrimSpace(token); len(token) > 0 {
				return token
			}
		}
	}
	s.once.Do(func() {
		s.own = make([]byte, keySize)
		rand.Read(s.own) // It never fails; see crypto/rand.
	})
	return s.own
}
