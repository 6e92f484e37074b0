package configsource

import (
	"strings"

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
