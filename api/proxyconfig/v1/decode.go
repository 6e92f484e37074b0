package proxyconfig

import (
	"bytes"
	"encoding/json"
	"encoding/json/jsontext"
	jsonv2 "encoding/json/v2"
	"errors"
	"fmt"
	"slices"
)

// The reasons for which Decode refuses a document. Each error that Decode
// returns wraps one of them.
var (
	ErrMalformed = errors.New("malformed document")
	ErrSchema    = errors.New("unknown schema")
	ErrRequires  = errors.New("unknown required feature")
	ErrHash      = errors.New("hash does not match")
	// ErrIncomplete is for an index whose part is not there, or not in the version
	// that the index names.
	ErrIncomplete = errors.New("a part of the configuration is missing")
)

// Warnings are what Decode noticed in a document that it accepted.
type Warnings struct {
	// UnknownFields counts members that this version of the contract does not
	// know. They are ignored: what must not be ignored is named in
	// Document.Requires.
	UnknownFields int
}

// Decode reads an encoded document and its configuration, or refuses it as a
// whole. It refuses whatever is not exactly one JSON document of this schema
// whose hashes match, with member names in their exact case and none twice. It
// does not know which Gateway the caller belongs to; comparing Document.Gateway
// is the caller's part, as is reading Config.Parts, where there are some.
// Document.Config is a piece of data, which must not be changed any more.
func Decode(data []byte) (*Document, *Config, Warnings, error) {
	return decode(data, decodeStrictly)
}

func decodeStrictly(data []byte, c *Config, w *Warnings) error { return decodeStrict(data, c, w) }

// DecodeAfter is Decode where another version of the document may have been decoded before
// by DecodeAfter, else before is nil. Routes and backends of which the text is the same
// are not decoded again: they share all that they point to with those of before.
func DecodeAfter(data []byte, before *Config) (*Document, *Config, Warnings, error) {
	if before == nil {
		before = &Config{}
	}
	return decode(data, func(data []byte, c *Config, w *Warnings) error { return decodeConfigAfter(data, c, before, w) })
}

// decode decodes the configuration of a document, once that is sound, by the given
// function.
func decode(data []byte, config func([]byte, *Config, *Warnings) error) (*Document, *Config, Warnings, error) {
	var w Warnings
	if len(data) > MaxDocumentBytes {
		return nil, nil, w, fmt.Errorf("%w: %w: %d bytes", ErrMalformed, ErrTooLarge, len(data))
	}
	d := &Document{}
	if err := decodeStrict(data, d, &w, sharing(data)); err != nil {
		return nil, nil, w, err
	}
	if err := d.check(); err != nil {
		return nil, nil, w, err
	}
	c := &Config{}
	if err := config(d.Config, c, &w); err != nil {
		return nil, nil, w, err
	}
	if err := errors.Join(checkParts(c.Parts), checkSuperseded(c)); err != nil {
		return nil, nil, w, err
	}
	return d, c, w, nil
}

// check verifies the envelope. The schema comes first: of a document of
// another version nothing else is known.
func (d *Document) check() error {
	if d.Schema != Schema {
		return fmt.Errorf("%w %q", ErrSchema, d.Schema)
	}
	if err := d.checkHash(); err != nil {
		return err
	}
	if d.seal() != d.Seal {
		return fmt.Errorf("%w: the envelope does not match its seal", ErrHash)
	}
	known := KnownFeatures()
	for _, feature := range d.Requires {
		if !slices.Contains(known, feature) {
			return fmt.Errorf("%w %q", ErrRequires, feature)
		}
	}
	return nil
}

// checkHash compares the configuration's hash. Large documents are compact
// already, so that they are hashed as they are.
func (d *Document) checkHash() error {
	if hashBytes(d.Config) == d.Hash {
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, d.Config); err != nil {
		return fmt.Errorf("%w: config: %w", ErrMalformed, err)
	}
	if got := hashBytes(compact.Bytes()); got != d.Hash {
		return fmt.Errorf("%w: the configuration hashes to %.12s, the document says %.12s", ErrHash, got, d.Hash)
	}
	return nil
}

// sharing has raw values be pieces of the data that is decoded, and no copies.
func sharing(data []byte) jsonv2.Options {
	return jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(func(d *jsontext.Decoder, raw *json.RawMessage) error {
		value, err := d.ReadValue()
		if err == nil {
			end := d.InputOffset()
			*raw = data[end-int64(len(value)) : end : end]
		}
		return err
	}))
}

// decodeStrict decodes data into v, which must be a pointer to a zero struct.
// Unknown members are counted only when there are some, as counting them costs
// as much as decoding.
func decodeStrict(data []byte, v any, w *Warnings, options ...jsonv2.Options) error {
	with := jsonv2.JoinOptions(options...)
	err := jsonv2.Unmarshal(data, v, jsonv2.RejectUnknownMembers(true), with)
	if err == nil {
		return nil
	}
	if err := jsonv2.Unmarshal(data, v, with); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	w.UnknownFields += countUnknown(data, v)
	return nil
}
