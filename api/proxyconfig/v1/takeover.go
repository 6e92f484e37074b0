package proxyconfig

import (
	"bytes"
	"crypto/sha256"
	"encoding/json/jsontext"
	"errors"
	"io"
)

// fingerprint is of the text of an item. It is long enough that nobody finds a text with
// the one of somebody else's item. Zero is of none.
type fingerprint [16]byte

func fingerprintOf(text []byte) fingerprint {
	sum := sha256.Sum256(text)
	return fingerprint(sum[:])
}

// DecodePartAfter is DecodePart where another version of the part may have been decoded
// before by DecodePartAfter, else before is nil. Items of which the text is the same are
// not decoded again: they share all that they point to with those of before.
func DecodePartAfter(p Part, data []byte, before *Config) (*Config, Warnings, error) {
	var w Warnings
	buffer := partBuffers.Get().(*bytes.Buffer)
	defer partBuffers.Put(buffer)
	raw, err := partText(buffer, p, data)
	if err != nil {
		return nil, w, err
	}
	texts := itemTexts(raw, p.Kind)
	if texts == nil {
		return decodeWhole(p, raw)
	}
	if before == nil {
		before = &Config{}
	}
	c := &Config{fingerprints: make([]fingerprint, len(texts))}
	switch p.Kind {
	case PartListeners:
		c.Listeners, err = decodeItems(texts, c, before.Listeners, before, &w)
	case PartRoutes:
		c.Routes, err = decodeItems(texts, c, before.Routes, before, &w)
	case PartBackends:
		c.Backends, err = decodeItems(texts, c, before.Backends, before, &w)
	}
	if err != nil {
		return nil, w, err
	}
	return c, w, nil
}

// decodeItems decodes the items of c that are not among those of before.
func decodeItems[T any](texts [][]byte, c *Config, items []T, before *Config, w *Warnings) ([]T, error) {
	known := make(map[fingerprint]int, len(items))
	for i, f := range before.fingerprints {
		if f != (fingerprint{}) {
			known[f] = i
		}
	}
	out := make([]T, len(texts))
	for i, text := range texts {
		f := fingerprintOf(text)
		if at, there := known[f]; there {
			out[i], c.fingerprints[i] = items[at], f
			continue
		}
		unknown := w.UnknownFields
		if err := decodeStrict(text, &out[i], w); err != nil {
			return nil, err
		}
		// One with unknown members is decoded each time, so that these are counted.
		if w.UnknownFields == unknown {
			c.fingerprints[i] = f
		}
	}
	return out, nil
}

// itemTexts returns the text of each item of a part, or nil where the part is not written
// as EncodePart does it. Names that an item has twice are left for its decoder to refuse.
func itemTexts(raw []byte, kind PartKind) [][]byte {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true))
	if !reads(d, '{') {
		return nil
	}
	if name, err := d.ReadToken(); err != nil || name.Kind() != '"' || name.String() != string(kind) || !reads(d, '[') {
		return nil
	}
	texts := [][]byte{}
	for d.PeekKind() != ']' {
		text, err := d.ReadValue()
		if err != nil {
			return nil
		}
		end := d.InputOffset()
		texts = append(texts, raw[end-int64(len(text)):end])
	}
	if !reads(d, ']') || !reads(d, '}') {
		return nil
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil
	}
	return texts
}

func reads(d *jsontext.Decoder, kind jsontext.Kind) bool {
	token, err := d.ReadToken()
	return err == nil && token.Kind() == kind
}
