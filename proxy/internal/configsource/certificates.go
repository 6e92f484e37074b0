package configsource

import (
	"bytes"
	"maps"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// certificates holds the key pairs of all lanes. It is immutable: a snapshot that is compiled
// with the same one as the snapshot before takes over what that has made of it.
type certificates struct {
	byLane map[Source]map[string]snapshot.KeyPair
}

// with returns the certificates with others in one lane, which are the same if the lane's
// key pairs are.
func (c *certificates) with(lane Source, pairs map[string]snapshot.KeyPair) *certificates {
	if maps.EqualFunc(c.byLane[lane], pairs, equalPair) {
		return c
	}
	next := &certificates{byLane: map[Source]map[string]snapshot.KeyPair{lane: pairs}}
	for other, others := range c.byLane {
		if other != lane {
			next.byLane[other] = others
		}
	}
	return next
}

func equalPair(a, b snapshot.KeyPair) bool {
	return bytes.Equal(a.Certificate, b.Certificate) && bytes.Equal(a.Key, b.Key)
}

// Find prefers the key pair that was rendered, from whichever lane, and then
// the watched one, which is never older than the mounted one for long.
func (c *certificates) Find(ref proxyconfig.CertificateRef) (found snapshot.KeyPair, ok bool) {
	for _, lane := range []Source{Watch, Mount} {
		pair, has := c.byLane[lane][ref.Key]
		if has && pair.Hash() == ref.SHA256 {
			return pair, true
		}
		if has && !ok {
			found, ok = pair, true
		}
	}
	return found, ok
}
