package configsource

import (
	"bytes"
	"maps"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// Source names a lane.
type Source string

// The lanes.
const (
	Watch Source = "watch"
	Mount Source = "mount"
	Saved Source = "saved"
)

// Observation is all that a lane sees at one moment.
type Observation struct {
	Source Source
	// Document holds the encoded document; nil when there is none.
	Document []byte
	// content is that of the document, where the lane has looked at it; else nil.
	content *content
	// Part reads the parts that the document names. It may be nil for a document
	// that names none.
	Part ReadPart
	// Missed, where it is not nil, is called when Part did not find one.
	Missed func()
	// Certificates are the key pairs by key. They must not be changed.
	Certificates map[string]snapshot.KeyPair
}

// The endings of the two files of a key pair, in a Secret as in a directory.
const (
	certificateSuffix = ".crt"
	keySuffix         = ".key"
)

// keyPairs collects the complete key pairs among files by name.
func keyPairs(files map[string][]byte) map[string]snapshot.KeyPair {
	pairs := map[string]snapshot.KeyPair{}
	for name, cert := range files {
		key, ok := strings.CutSuffix(name, certificateSuffix)
		if !ok {
			continue
		}
		if private, ok := files[key+keySuffix]; ok {
			pairs[key] = snapshot.KeyPair{Certificate: cert, Key: private}
		}
	}
	return pairs
}

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
