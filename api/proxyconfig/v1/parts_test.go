package proxyconfig

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// divided is the sample in parts.
func divided(t testing.TB) (parts []Part, data [][]byte) {
	t.Helper()
	whole := sampleConfig()
	for _, of := range []struct {
		kind   PartKind
		number int
	}{{PartListeners, 1}, {PartRoutes, 3}, {PartBackends, 0}} {
		part, encoded, err := EncodePart(of.kind, of.number, whole.only(of.kind))
		if err != nil {
			t.Fatal(err)
		}
		parts, data = append(parts, part), append(data, encoded)
	}
	return parts, data
}

func mustEncodeIndex(t testing.TB, parts []Part) []byte {
	t.Helper()
	data, _, err := EncodeIndex(sampleGateway(), 7, sampleConfig(), Layout{Parts: parts})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestIndexMatchesGolden(t *testing.T) {
	parts, _ := divided(t)
	wantGolden(t, "index.json", mustEncodeIndex(t, parts))
}

func TestPartsAssembleToWhatWasDivided(t *testing.T) {
	parts, data := divided(t)
	d, index, _, err := Decode(mustEncodeIndex(t, parts))
	if err != nil {
		t.Fatal(err)
	}
	var again Index
	if err := again.Set(sampleConfig(), TraitsOf(sampleConfig()), Layout{Parts: parts}); err != nil || again.Hash() != d.Hash {
		t.Errorf("the index hashes to %s, the document says %s: %v", again.Hash(), d.Hash, err)
	}
	fragments := Fragments{}
	for i, p := range index.Parts {
		if _, err := Assemble(index, fragments); !errors.Is(err, ErrIncomplete) {
			t.Errorf("with %d of its parts it assembles: %v", i, err)
		}
		fragment, w, err := DecodePart(p, data[i])
		if err != nil || w.UnknownFields != 0 {
			t.Fatal(err, w)
		}
		fragments[p] = fragment
	}
	got, err := Assemble(index, fragments)
	if err != nil {
		t.Fatal(err)
	}
	want := sampleConfig()
	for what, same := range map[string]bool{
		"listeners": reflect.DeepEqual(items(got.ListenerPieces()), want.Listeners),
		"routes":    reflect.DeepEqual(items(got.RoutePieces()), want.Routes),
		"backends":  reflect.DeepEqual(items(got.BackendPieces()), want.Backends),
		"the rest":  reflect.DeepEqual(got.Settings, want.Settings) && reflect.DeepEqual(got.Tracing, want.Tracing),
	} {
		if !same {
			t.Errorf("%s are others: got %+v", what, got)
		}
	}
}

func items[T any](pieces Pieces[T]) (all []T) {
	for item := range pieces.All() {
		all = append(all, *item)
	}
	return all
}

// An earlier proxy reads an index as a document that asks for what it does not
// know, and so keeps what it has.
func TestIndexRequiresAReaderOfParts(t *testing.T) {
	parts, _ := divided(t)
	d, _, _, err := Decode(mustEncodeIndex(t, parts))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(d.Requires, " "); !strings.HasSuffix(got, FeatureSessions+" "+FeatureListenerFilters+" "+FeatureExternalHostnames+" "+FeatureParts) {
		t.Errorf("requires %s", got)
	}
}

func TestTruncatedAndFlippedPartsAreRefused(t *testing.T) {
	parts, all := divided(t)
	for i, p := range parts {
		data := all[i]
		want, _, err := DecodePart(p, data)
		if err != nil {
			t.Fatal(err)
		}
		for n := range data {
			if _, _, err := DecodePart(p, data[:n]); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrHash) {
				t.Fatalf("the first %d of %d bytes of %s: %v", n, len(data), p.Name(), err)
			}
		}
		for n := range data {
			bit := byte(1) << (n % 8)
			data[n] ^= bit
			// A flip in what gzip says of the time or the name means nothing.
			if got, _, err := DecodePart(p, data); err == nil && !reflect.DeepEqual(got, want) {
				t.Fatalf("with byte %d flipped %s decodes to something else", n, p.Name())
			}
			data[n] ^= bit
		}
	}
}

func TestTruncatedAndFlippedIndexesAreRefused(t *testing.T) {
	parts, _ := divided(t)
	data := mustEncodeIndex(t, parts)
	want, config, _, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if !sameMeaning(t, data[:n], want, config) {
			t.Fatalf("the first %d of %d bytes decode to something else", n, len(data))
		}
		data[n] ^= 1 << (n % 8)
		if !sameMeaning(t, data, want, config) {
			t.Fatalf("with byte %d flipped it decodes to something else", n)
		}
		data[n] ^= 1 << (n % 8)
	}
}

func TestDecodePartRefusesWhatIsNotThePart(t *testing.T) {
	parts, data := divided(t)
	other := parts[1]
	other.Number = 4
	longer, shorter := parts[1], parts[1]
	longer.Bytes++
	shorter.Bytes--
	disguised := parts[1]
	disguised.Kind = PartBackends
	for name, of := range map[string]struct {
		part Part
		data []byte
		want error
	}{
		"another part":      {parts[0], data[1], ErrHash},
		"longer than said":  {shorter, data[1], ErrHash},
		"shorter than said": {longer, data[1], ErrHash},
		"another kind":      {disguised, data[1], ErrMalformed},
		"nothing":           {parts[1], nil, ErrMalformed},
	} {
		if _, _, err := DecodePart(of.part, of.data); !errors.Is(err, of.want) {
			t.Errorf("%s: got %v, want %v", name, err, of.want)
		}
	}
}

func TestDecodeRefusesIndexesThatNameNoSoundParts(t *testing.T) {
	sound := Part{Kind: PartRoutes, Number: 1, SHA256: strings.Repeat("a", 64), Bytes: 10}
	change := func(f func(*Part)) Part { p := sound; f(&p); return p }
	for name, parts := range map[string][]Part{
		"unknown kind":    {change(func(p *Part) { p.Kind = "../secrets" })},
		"negative number": {change(func(p *Part) { p.Number = -1 })},
		"past the last":   {change(func(p *Part) { p.Number = RouteParts })},
		"short hash":      {change(func(p *Part) { p.SHA256 = "abc" })},
		"hash of paths":   {change(func(p *Part) { p.SHA256 = strings.Repeat("/", 64) })},
		"too large":       {change(func(p *Part) { p.Bytes = MaxPartBytes + 1 })},
		"twice":           {sound, change(func(p *Part) { p.SHA256 = strings.Repeat("b", 64) })},
	} {
		if _, _, _, err := Decode(mustEncodeIndex(t, parts)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, _, _, err := Decode(mustEncodeIndex(t, []Part{sound})); err != nil {
		t.Errorf("a sound one: %v", err)
	}
}

func TestEncodePartKeepsToTheBudget(t *testing.T) {
	random := make([]byte, MaxStoredPart)
	rand.Read(random)
	noisy := &Config{Routes: []Route{{Name: hex.EncodeToString(random)}}}
	if p, data, err := EncodePart(PartRoutes, 0, noisy); !errors.Is(err, ErrTooLarge) || len(data) <= MaxStoredPart || p.Bytes <= len(random) {
		t.Errorf("got %v with %d bytes", err, len(data))
	}
	var long Config
	for i := range MaxPartBytes / 32 {
		long.Routes = append(long.Routes, Route{Name: fmt.Sprint(i)})
	}
	if _, data, err := EncodePart(PartRoutes, 0, &long); !errors.Is(err, ErrTooLarge) || len(data) > MaxStoredPart {
		t.Errorf("got %v with %d bytes", err, len(data))
	}
	again, _, _ := EncodePart(PartRoutes, 0, &Config{Routes: long.Routes[:10]})
	if twice, data, _ := EncodePart(PartRoutes, 0, &Config{Routes: long.Routes[:10]}); twice != again || !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		t.Error("equal parts are encoded in different ways")
	}
}

// Each changed route has a part encoded, which must not cost what a compressor does.
func TestEncodePartTakesLittleMemory(t *testing.T) {
	const times = 200
	fragment := &Config{Routes: []Route{{Kind: "HTTPRoute", Namespace: "ns", Name: "a"}}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		if _, _, err := EncodePart(PartRoutes, 0, fragment); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / times; got > 500<<10 {
		t.Errorf("%d bytes for each", got)
	}
}
