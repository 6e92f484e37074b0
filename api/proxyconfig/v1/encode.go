package proxyconfig

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxDocumentBytes bounds an encoded Document, so that it fits into one
// ConfigMap with room to spare below the API server's limit of 1 MiB.
const MaxDocumentBytes = 512 << 10

// readableBytes is the size up to which a document is indented. Past it nobody
// reads the document by eye, and the white space costs more than it helps.
const readableBytes = 64 << 10

// ErrTooLarge is returned for a document of more than MaxDocumentBytes.
var ErrTooLarge = errors.New("the configuration is too large for one document")

// Encode wraps a Config in a Document and returns its bytes and the hash of
// the Config. Equal arguments give equal bytes. It returns ErrTooLarge, with
// the hash, where the result exceeds MaxDocumentBytes.
func Encode(g Gateway, revision int64, c *Config) (data []byte, hash string, err error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, "", fmt.Errorf("encoding configuration: %w", err)
	}
	d := Document{Schema: Schema, Gateway: g, Revision: revision, Requires: Features(c), Hash: hashBytes(raw)}
	text, err := d.encode(raw)
	if err != nil {
		return nil, d.Hash, err
	}
	if data = []byte(text); len(data) <= readableBytes {
		data = indent(data)
	}
	return data, d.Hash, nil
}

// encode seals the document, and encodes it with the JSON of its configuration, which is
// hashed already.
func (d *Document) encode(config []byte) (string, error) {
	d.Seal, d.Config = d.seal(), nil
	envelope, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("encoding document: %w", err)
	}
	// The configuration is the last member, which it would take two copies to have encoded.
	envelope = bytes.TrimSuffix(envelope, []byte("null}"))
	size := len(envelope) + len(config) + len("}")
	if size > MaxDocumentBytes {
		return "", fmt.Errorf("%w: %d bytes", ErrTooLarge, size)
	}
	var out strings.Builder
	out.Grow(size)
	out.Write(envelope)
	out.Write(config)
	out.WriteByte('}')
	return out.String(), nil
}

// Hash is the lower-case hex SHA-256 of the compact JSON of a Config: what
// Encode would put into a document.
func Hash(c *Config) (string, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encoding configuration: %w", err)
	}
	return hashBytes(raw), nil
}

func hashBytes(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func indent(data []byte) []byte {
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		// The bytes come from Marshal a few lines above.
		panic("proxyconfig: indenting own JSON: " + err.Error())
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// seal hashes the envelope. Each field is preceded by its length, so that no
// two envelopes are written alike.
func (d *Document) seal() string {
	h := sha256.New()
	put := func(s string) { fmt.Fprintf(h, "%d:%s", len(s), s) }
	put(d.Schema)
	put(d.Gateway.Namespace)
	put(d.Gateway.Name)
	put(d.Gateway.UID)
	put(strconv.FormatInt(d.Revision, 10))
	for _, feature := range d.Requires {
		put(feature)
	}
	put(d.Hash)
	return hex.EncodeToString(h.Sum(nil))
}
