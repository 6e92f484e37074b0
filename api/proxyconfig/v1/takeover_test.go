package proxyconfig

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// stored encodes a part by hand.
func stored(t *testing.T, kind PartKind, raw string) (Part, []byte) {
	t.Helper()
	s := newScratch()
	s.text.WriteString(raw)
	data, err := s.compressed()
	if err != nil {
		t.Fatal(err)
	}
	return Part{Kind: kind, SHA256: hashBytes([]byte(raw)), Bytes: len(raw)}, data
}

// text is a part of some backends, now and then one that is broken, unknown in part, or
// written in another way.
func text(random *rand.Rand) string {
	raw := `{"backends":[`
	for i := range random.IntN(6) {
		if i > 0 {
			raw += ","
		}
		raw += fmt.Sprintf(`{"id":"%d","endpoints":[{"address":"10.0.0.%d","port":80%s}]%s}`, random.IntN(4), random.IntN(2),
			seldom(random, `,"port":81`), seldom(random, `,"novel":1`, `,"ID":"x"`, `,"port":"80"`))
	}
	if end := seldom(random, "]} ", `],"routes":[]}`, `],"other":1}`, `],"backends":[]}`, "]", "]}{}"); end != "" {
		return raw + end
	}
	return raw + "]}"
}

// seldom is one of some texts, or none.
func seldom(random *rand.Rand, texts ...string) string {
	if random.IntN(10) > 0 {
		return ""
	}
	return texts[random.IntN(len(texts))]
}

// Whatever version was there before, a part decodes to what it decodes to alone.
func TestTakingOverIsDecodingAnew(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var before *Config
	taken, refused := 0, 0
	for range 4_000 {
		raw := text(random)
		p, data := stored(t, PartBackends, raw)
		want, wantWarnings, wantErr := DecodePart(p, data)
		got, warnings, err := DecodePartAfter(p, data, before)
		if (err == nil) != (wantErr == nil) || errors.Is(err, ErrMalformed) != errors.Is(wantErr, ErrMalformed) {
			t.Fatalf("%s: got %v, want %v", raw, err, wantErr)
		}
		if err != nil {
			refused++
			continue
		}
		if warnings != wantWarnings || !reflect.DeepEqual(got.Backends, want.Backends) || got.Routes != nil {
			t.Fatalf("%s: got %+v with %+v, want %+v with %+v", raw, got.Backends, warnings, want.Backends, wantWarnings)
		}
		if before != nil {
			taken += shared(got, before)
		}
		before = got
	}
	if taken < 500 || refused < 500 {
		t.Errorf("%d items were taken over and %d parts refused", taken, refused)
	}
}

// document is an index or a whole configuration, now and then with what is novel or broken.
func document(t *testing.T, random *rand.Rand) []byte {
	t.Helper()
	backends, end := text(random), seldom(random, `,"novel":1}`, `,"parts":[]}`, `,"routes":null}`, `,"routes":[]}`, `}}`)
	if end == "" {
		end = "}"
	}
	routes := ""
	for i := range random.IntN(4) {
		routes += fmt.Sprintf(`,{"kind":"HTTPRoute","name":"%d","rules":[{"name":"%d"}]%s}`, i, random.IntN(2), seldom(random, `,"novel":{}`, `,"kind":1`))
	}
	raw := strings.TrimSuffix(backends, "}") + `,"routes":[` + strings.TrimPrefix(routes, ",") + "]" + end
	d := Document{Schema: Schema, Hash: hashBytes([]byte(raw))}
	text := fmt.Sprintf(`{"schema":%q,"gateway":{"namespace":"","name":"","uid":""},"revision":0,"hash":%q,"seal":%q,"config":%s}`, d.Schema, d.Hash, d.seal(), raw)
	return []byte(text)
}

// Whatever document was there before, one decodes to what it decodes to alone.
func TestTakingOverFromADocumentIsDecodingAnew(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var before *Config
	taken, refused, novel := 0, 0, 0
	for range 4_000 {
		data := document(t, random)
		wantDocument, want, wantWarnings, wantErr := Decode(data)
		gotDocument, got, warnings, err := DecodeAfter(data, before)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%s: got %v, want %v", data, err, wantErr)
		}
		if err != nil {
			refused++
			continue
		}
		novel += warnings.UnknownFields
		if before != nil {
			taken += shared(got, before)
		}
		before = got
		plain := *got
		plain.fingerprints = fingerprints{}
		// An empty list and none are the same.
		for _, c := range []*Config{&plain, want} {
			c.Routes, c.Backends, c.Parts = orNil(c.Routes), orNil(c.Backends), orNil(c.Parts)
		}
		if warnings != wantWarnings || !reflect.DeepEqual(gotDocument, wantDocument) || !reflect.DeepEqual(&plain, want) {
			t.Fatalf("%s: got %+v with %+v, want %+v with %+v", data, plain, warnings, *want, wantWarnings)
		}
	}
	if taken < 500 || refused < 500 || novel < 100 {
		t.Errorf("%d items were taken over, %d documents refused, and %d members unknown", taken, refused, novel)
	}
}

// shared is how many backends of a are those of b.
func shared(a, b *Config) (n int) {
	for i := range a.Backends {
		if slices.ContainsFunc(b.Backends, func(o Backend) bool { return &o.Endpoints[0] == &a.Backends[i].Endpoints[0] }) {
			n++
		}
	}
	return n
}

// Of a part of which one item has changed, the others are those of before, for each kind.
func TestWhatDidNotChangeIsTakenOver(t *testing.T) {
	fragment := &Config{Routes: []Route{
		{Name: "a", Rules: []Rule{{Name: "first"}}}, {Name: "b", Rules: []Rule{{Name: "second"}}}, {Name: "c", Rules: []Rule{{Name: "third"}}},
	}}
	decoded := func(before *Config) *Config {
		p, data, err := EncodePart(PartRoutes, 0, fragment)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := DecodePartAfter(p, data, before)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := decoded(nil)
	fragment.Routes[1].Rules[0].Name = "changed"
	second := decoded(first)
	for i := range fragment.Routes {
		if same := &first.Routes[i].Rules[0] == &second.Routes[i].Rules[0]; same != (i != 1) {
			t.Errorf("route %d is taken over: %v", i, same)
		}
	}
	if !reflect.DeepEqual(second.Routes, fragment.Routes) {
		t.Errorf("got %+v", second.Routes)
	}
}
