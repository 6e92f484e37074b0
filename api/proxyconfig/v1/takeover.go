package proxyconfig

import (
	"bytes"
	"crypto/sha256"
	"encoding/json/jsontext"
	jsonv2 "encoding/json/v2"
	"errors"
	"io"
)

// fingerprint is of the text of an item. It is long enough that nobody finds a text with
// the one of somebody else's item. Zero is of none.
type fingerprint [16]byte

// fingerprints are those of the items of a configuration, each in its place. They are nil
// where it was not decoded so that another one can take over from it.
type fingerprints struct{ listeners, routes, backends []fingerprint }

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
	c, of := &Config{}, &before.fingerprints
	switch p.Kind {
	case PartListeners:
		c.Listeners, c.fingerprints.listeners, err = decodeItems(texts, before.Listeners, of.listeners, &w)
	case PartRoutes:
		c.Routes, c.fingerprints.routes, err = decodeItems(texts, before.Routes, of.routes, &w)
	case PartBackends:
		c.Backends, c.fingerprints.backends, err = decodeItems(texts, before.Backends, of.backends, &w)
	}
	if err != nil {
		return nil, w, err
	}
	return c, w, nil
}

// decodeItems decodes the items that are not among those of before.
func decodeItems[T any](texts [][]byte, before []T, of []fingerprint, w *Warnings) ([]T, []fingerprint, error) {
	k := known[T]{items: before, places: placesOf(of)}
	out := make([]T, len(texts))
	k.decoded = make([]fingerprint, 0, len(texts))
	for i, text := range texts {
		if k.take(text, &out[i]) {
			continue
		}
		unknown := w.UnknownFields
		if err := decodeStrict(text, &out[i], w); err != nil {
			return nil, nil, err
		}
		if w.UnknownFields != unknown {
			k.decoded[i] = fingerprint{}
		}
	}
	return out, k.decoded, nil
}

// known are the items that can be taken over.
type known[T any] struct {
	items  []T
	places map[fingerprint]int
	// decoded are the fingerprints of the items that were asked for. One with unknown
	// members has none, and is decoded each time, so that these are counted.
	decoded []fingerprint
}

func placesOf(of []fingerprint) map[fingerprint]int {
	places := make(map[fingerprint]int, len(of))
	for i, f := range of {
		if f != (fingerprint{}) {
			places[f] = i
		}
	}
	return places
}

// take notes the fingerprint of the next text, and returns false where its item is not
// known.
func (k *known[T]) take(text []byte, into *T) bool {
	f := fingerprintOf(text)
	k.decoded = append(k.decoded, f)
	at, there := k.places[f]
	if there {
		*into = k.items[at]
	}
	return there
}

// unmarshaler has known items taken over, and others decoded.
func (k *known[T]) unmarshaler() *jsonv2.Unmarshalers {
	return jsonv2.UnmarshalFromFunc(func(d *jsontext.Decoder, into *T) error {
		text, err := d.ReadValue()
		if err != nil || k.take(text, into) {
			return err
		}
		return jsonv2.Unmarshal(text, into, jsonv2.RejectUnknownMembers(true))
	})
}

// decodeConfigAfter is decodeStrict for a Config, which takes over from before.
func decodeConfigAfter(data []byte, c, before *Config, w *Warnings) error {
	routes := known[Route]{items: before.Routes, places: placesOf(before.fingerprints.routes)}
	backends := known[Backend]{items: before.Backends, places: placesOf(before.fingerprints.backends)}
	taking := jsonv2.WithUnmarshalers(jsonv2.JoinUnmarshalers(routes.unmarshaler(), backends.unmarshaler()))
	// There are about as many as before, so that no list has to grow.
	c.Routes, c.Backends, c.Parts = room(before.Routes), room(before.Backends), room(before.Parts)
	if jsonv2.Unmarshal(data, c, jsonv2.RejectUnknownMembers(true), taking) == nil {
		c.Routes, c.Backends, c.Parts = orNil(c.Routes), orNil(c.Backends), orNil(c.Parts)
		c.fingerprints = fingerprints{routes: routes.decoded, backends: backends.decoded}
		return nil
	}
	// It is refused, or has unknown members to be counted.
	*c = Config{}
	return decodeStrict(data, c, w)
}

// room is an empty list for as many items as another one has, and one more.
func room[T any](before []T) []T { return make([]T, 0, len(before)+1) }

// orNil has a list without items be none.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
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
