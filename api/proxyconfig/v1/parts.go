package proxyconfig

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"sync"
)

// A configuration past SplitBytes is stored in parts: its document, the index,
// names them by their hashes in Config.Parts, and holds what is left. A reader
// has a configuration once it has every part of one index, and never mixes two.

// FeatureParts is a configuration of which some lies in parts. A proxy that
// overlooked them would serve nothing of it.
const FeatureParts Feature = "parts"

// SplitBytes is the size up to which a configuration is one document. Past it,
// nobody reads it by eye, and one changed route would cost a write of all.
const SplitBytes = readableBytes

// The budget of one part: what is compressed has to fit into a ConfigMap twice,
// as the part before stays readable while the next is written, and what is
// decompressed bounds the memory of the proxy.
const (
	MaxStoredPart = 480 << 10
	MaxPartBytes  = 4 << 20
)

// The numbers of parts are fixed, so that growth neither replaces a pod nor
// changes its Role.
const (
	ListenerParts = 2
	RouteParts    = 16
	BackendParts  = 8
)

// PartKind is what a part holds.
type PartKind string

// The kinds of parts.
const (
	PartListeners PartKind = "listeners"
	PartRoutes    PartKind = "routes"
	PartBackends  PartKind = "backends"
)

// Part names one version of one part of a configuration.
type Part struct {
	Kind   PartKind `json:"kind"`
	Number int      `json:"number"`
	// SHA256 is the lower-case hex hash of the part before compression, and Bytes
	// its size.
	SHA256 string `json:"sha256"`
	Bytes  int    `json:"bytes"`
}

// Name is the part's, whatever its version: "routes-3". The name of its ConfigMap
// is that of the index with "-" and this behind it.
func (p Part) Name() string { return PartName(p.Kind, p.Number) }

// PartName is the Name of the parts of a kind and number.
func PartName(kind PartKind, number int) string { return string(kind) + "-" + strconv.Itoa(number) }

// PartNames are all names of parts, in a fixed order.
func PartNames() []string {
	var names []string
	for _, of := range partKinds {
		for i := range of.count {
			names = append(names, PartName(of.kind, i))
		}
	}
	return names
}

var partKinds = []struct {
	kind  PartKind
	count int
}{{PartListeners, ListenerParts}, {PartRoutes, RouteParts}, {PartBackends, BackendParts}}

// Key is the key of the part's ConfigMap, and so the name of the mounted file,
// that holds this version.
func (p Part) Key() string { return p.Name() + "." + p.SHA256[:16] + ".json.gz" }

func (p Part) check() error {
	for _, of := range partKinds {
		if of.kind == p.Kind && p.Number >= 0 && p.Number < of.count && isHash(p.SHA256) && p.Bytes >= 0 && p.Bytes <= MaxPartBytes {
			return nil
		}
	}
	return fmt.Errorf("%w: part %+v", ErrMalformed, p)
}

func isHash(text string) bool {
	return len(text) == 64 && !bytes.ContainsFunc([]byte(text), func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// checkParts refuses an index that names a part twice or in no sound way.
func checkParts(parts []Part) error {
	seen := make(map[string]bool, len(parts))
	for _, p := range parts {
		if err := p.check(); err != nil {
			return err
		}
		if seen[p.Name()] {
			return fmt.Errorf("%w: part %s is there twice", ErrMalformed, p.Name())
		}
		seen[p.Name()] = true
	}
	return nil
}

// EncodePart encodes what fragment holds of one kind. It returns ErrTooLarge,
// with the Part and the data, where that exceeds the budget.
func EncodePart(kind PartKind, number int, fragment *Config) (Part, []byte, error) {
	s := takeScratch()
	defer s.leave()
	if err := marshal(&s.text, fragment); err != nil {
		return Part{}, nil, fmt.Errorf("encoding part %s: %w", PartName(kind, number), err)
	}
	data, err := s.compressed()
	if err != nil {
		return Part{}, nil, fmt.Errorf("compressing part %s: %w", PartName(kind, number), err)
	}
	p := Part{Kind: kind, Number: number, SHA256: hashBytes(s.text.Bytes()), Bytes: s.text.Len()}
	if len(data) > MaxStoredPart || p.Bytes > MaxPartBytes {
		return p, data, fmt.Errorf("%w: part %s of %d bytes, %d stored", ErrTooLarge, p.Name(), p.Bytes, len(data))
	}
	return p, data, nil
}

// DecodePart returns what the part of an index holds, or refuses the data as a
// whole: it has to be what was hashed, and to hold nothing but its kind.
func DecodePart(p Part, data []byte) (*Config, Warnings, error) {
	buffer := partBuffers.Get().(*bytes.Buffer)
	defer partBuffers.Put(buffer)
	raw, err := partText(buffer, p, data)
	if err != nil {
		return nil, Warnings{}, err
	}
	return decodeWhole(p, raw)
}

// partBuffers are for the text of parts: the many that a proxy begins with are read one
// after the other, and what is decoded shares nothing with them.
var partBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// partText is a part as it was hashed, in the buffer.
func partText(out *bytes.Buffer, p Part, data []byte) ([]byte, error) {
	raw, err := decompress(out, p, data)
	if err != nil {
		return nil, err
	}
	if got := hashBytes(raw); got != p.SHA256 {
		return nil, fmt.Errorf("%w: part %s hashes to %.12s, the index says %.12s", ErrHash, p.Name(), got, p.SHA256)
	}
	return raw, nil
}

func decodeWhole(p Part, raw []byte) (*Config, Warnings, error) {
	var w Warnings
	c := &Config{}
	if err := decodeStrict(raw, c, &w); err != nil {
		return nil, w, err
	}
	if !reflect.DeepEqual(c, c.only(p.Kind)) {
		return nil, w, fmt.Errorf("%w: part %s holds more than %s", ErrMalformed, p.Name(), p.Kind)
	}
	return c, w, nil
}

// decompressors are used again: each has tens of kilobytes of its own.
var decompressors = sync.Pool{New: func() any { return new(gzip.Reader) }}

// decompress reads no more than the index has announced, into the buffer.
func decompress(out *bytes.Buffer, p Part, data []byte) ([]byte, error) {
	z := decompressors.Get().(*gzip.Reader)
	defer decompressors.Put(z)
	if err := z.Reset(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("%w: part %s: %w", ErrMalformed, p.Name(), err)
	}
	out.Reset()
	out.Grow(p.Bytes + bytes.MinRead)
	if _, err := io.Copy(out, io.LimitReader(z, int64(p.Bytes)+1)); err != nil {
		return nil, fmt.Errorf("%w: part %s: %w", ErrMalformed, p.Name(), err)
	}
	if out.Len() != p.Bytes {
		return nil, fmt.Errorf("%w: part %s has not the %d bytes that the index says", ErrHash, p.Name(), p.Bytes)
	}
	return out.Bytes(), nil
}

// only is what c holds of one kind.
func (c *Config) only(kind PartKind) *Config {
	switch kind {
	case PartListeners:
		return &Config{Listeners: c.Listeners}
	case PartRoutes:
		return &Config{Routes: c.Routes}
	default:
		return &Config{Backends: c.Backends}
	}
}
