package proxyconfig

import "fmt"

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

// IndexHash is Document.Hash of what EncodeIndex returns.
func IndexHash(whole *Config, l Layout) (string, error) { return Hash(l.index(whole)) }

// EncodeIndex encodes the document of a configuration that lies in parts. It is
// Encode in all else.
func EncodeIndex(g Gateway, revision int64, whole *Config, l Layout) (data []byte, hash string, err error) {
	features := append(Features(whole), FeatureParts)
	if len(l.Superseded) > 0 {
		features = append(features, FeatureSuperseded)
	}
	return encode(g, revision, features, l.index(whole))
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
