package proxyconfig

import (
	"bytes"
	"fmt"
)

// FeatureSuperseded is an index that takes items out of its parts. A proxy that
// overlooked it would serve what has been changed or deleted.
const FeatureSuperseded Feature = "superseded"

// Superseded names the items of one part that do not count any more: they are gone, or
// the index has another version of them among its own. So one write of the index is
// enough for a change that is recent, and the part stays as it is.
type Superseded struct {
	// Part is the Name of the part.
	Part string `json:"part"`
	// Items are the places of the items in the part, in ascending order.
	Items []int `json:"items"`
}

// Layout says where the items of a configuration lie that is not one document.
type Layout struct {
	Parts []Part
	// Superseded are in the order of Parts. Routes and Backends lie in the index itself.
	Superseded []Superseded
	Routes     []Route
	Backends   []Backend
}

// index is the configuration that the document of a split one has.
func (l *Layout) index(whole *Config) *Config {
	return &Config{
		Routes: l.Routes, Backends: l.Backends,
		Tracing: whole.Tracing, Settings: whole.Settings,
		Parts: l.Parts, Superseded: l.Superseded,
	}
}

// Index is the configuration of the document of a split one, encoded. It is written with
// each change, and has memory that it uses again. The zero value is ready for Set; it is
// not safe for concurrent use.
type Index struct {
	text     bytes.Buffer
	hash     string
	requires []Feature
}

// Set encodes what lies in the index. The traits are those of the whole.
func (x *Index) Set(whole *Config, traits Traits, l Layout) error {
	if err := marshal(&x.text, l.index(whole)); err != nil {
		return fmt.Errorf("encoding configuration: %w", err)
	}
	x.hash = hashBytes(x.text.Bytes())
	x.requires = append(traits.features(whole), FeatureParts)
	if len(l.Superseded) > 0 {
		x.requires = append(x.requires, FeatureSuperseded)
	}
	return nil
}

// Hash is Document.Hash of what Document returns.
func (x *Index) Hash() string { return x.hash }

// Document encodes the document of what was set. It returns ErrTooLarge where that exceeds
// MaxDocumentBytes.
func (x *Index) Document(g Gateway, revision int64) (string, error) {
	d := Document{Schema: Schema, Gateway: g, Revision: revision, Requires: x.requires, Hash: x.hash}
	return d.encode(x.text.Bytes())
}

// EncodeIndex encodes the document of a configuration that lies in parts. It is
// Encode in all else.
func EncodeIndex(g Gateway, revision int64, whole *Config, l Layout) (data []byte, hash string, err error) {
	var x Index
	if err := x.Set(whole, TraitsOf(whole), l); err != nil {
		return nil, "", err
	}
	document, err := x.Document(g, revision)
	return []byte(document), x.hash, err
}

// checkSuperseded refuses an index that supersedes anything but items of its parts.
// Whether a part has as many is seen when it is there.
func checkSuperseded(c *Config) error {
	named := make(map[string]bool, len(c.Parts))
	for _, p := range c.Parts {
		named[p.Name()] = true
	}
	for _, s := range c.Superseded {
		if !named[s.Part] {
			return fmt.Errorf("%w: part %q is superseded, and not there or so once more", ErrMalformed, s.Part)
		}
		delete(named, s.Part)
		for i, item := range s.Items {
			if item < 0 || i > 0 && item <= s.Items[i-1] {
				return fmt.Errorf("%w: items %v of part %s", ErrMalformed, s.Items, s.Part)
			}
		}
	}
	return nil
}
