package proxyconfig

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func mustEncode(t testing.TB, revision int64, c *Config) []byte {
	t.Helper()
	data, _, err := Encode(sampleGateway(), revision, c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The golden file is the contract as others see it: a change in it that is not
// additive breaks the proxies of the version before.
func TestEncodeMatchesGolden(t *testing.T) {
	wantGolden(t, "sample.json", mustEncode(t, 7, sampleConfig()))
}

// wantGolden compares with a file in testdata, or with -update writes it.
func wantGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	golden := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("encoding differs from %s:\n%s", golden, got)
	}
}

func TestDecodeReturnsWhatWasEncoded(t *testing.T) {
	want := sampleConfig()
	data, hash, err := Encode(sampleGateway(), 7, want)
	if err != nil {
		t.Fatal(err)
	}
	d, got, w, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if d.Gateway != sampleGateway() || d.Revision != 7 || d.Hash != hash {
		t.Errorf("got envelope %+v", d)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if w.UnknownFields != 0 {
		t.Errorf("got %d unknown fields, want 0", w.UnknownFields)
	}
	if alone, _ := Hash(want); alone != hash {
		t.Errorf("Hash gives %s, Encode %s", alone, hash)
	}
}

func TestLargeDocumentsAreCompactAndBounded(t *testing.T) {
	withRoutes := func(n int) *Config {
		c := &Config{Listeners: []Listener{{Name: "http", Port: 80, Protocol: HTTP}}}
		for i := range n {
			c.Routes = append(c.Routes, Route{Kind: "HTTPRoute", Namespace: "shop", Name: fmt.Sprintf("r%05d", i)})
		}
		return c
	}
	if data := mustEncode(t, 1, withRoutes(1000)); strings.Contains(string(data), "\n") {
		t.Errorf("a document of %d bytes is indented", len(data))
	}
	_, hash, err := Encode(sampleGateway(), 1, withRoutes(10000))
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("got error %v, want ErrTooLarge", err)
	}
	if hash == "" {
		t.Error("no hash beside ErrTooLarge")
	}
}

// reencode changes the sample's document as JSON, and its config without
// making the hash anew.
func reencode(t *testing.T, change func(doc map[string]any)) []byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(mustEncode(t, 7, sampleConfig()), &doc); err != nil {
		t.Fatal(err)
	}
	change(doc)
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sealed encodes an envelope whose hash and seal are right for what it holds.
func sealed(t *testing.T, config string, requires ...string) []byte {
	t.Helper()
	d := Document{Schema: Schema, Gateway: sampleGateway(), Revision: 1, Requires: requires,
		Hash: hashBytes([]byte(config)), Config: json.RawMessage(config)}
	d.Seal = d.seal()
	data, err := json.Marshal(&d)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, ErrMalformed},
		{"another schema", reencode(t, func(d map[string]any) { d["schema"] = "proxyconfig.fleetgate.io/v2" }), ErrSchema},
		{"changed revision", reencode(t, func(d map[string]any) { d["revision"] = 8 }), ErrHash},
		{"changed gateway", reencode(t, func(d map[string]any) { d["gateway"].(map[string]any)["uid"] = "other" }), ErrHash},
		{"changed config", reencode(t, func(d map[string]any) { d["config"].(map[string]any)["listeners"] = nil }), ErrHash},
		{"no config", reencode(t, func(d map[string]any) { delete(d, "config") }), ErrMalformed},
		{"added requirement", reencode(t, func(d map[string]any) { d["requires"] = []string{FeatureHTTPRouting, "x"} }), ErrHash},
		{"unknown requirement", sealed(t, `{}`, "time-travel"), ErrRequires},
		{"trailing bytes", append(mustEncode(t, 7, sampleConfig()), "{}"...), ErrMalformed},
		{"config of another type", sealed(t, `[]`), ErrMalformed},
		{"member twice", sealed(t, `{"listeners":[],"listeners":[]}`), ErrMalformed},
		{"number as a name", sealed(t, `{"listeners":[{"name":1}]}`), ErrMalformed},
		{"too large", []byte(strings.Repeat(" ", MaxDocumentBytes+1)), ErrTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, c, _, err := Decode(test.data)
			if !errors.Is(err, test.want) {
				t.Errorf("got error %v, want %v", err, test.want)
			}
			if d != nil || c != nil {
				t.Error("a refused document was returned")
			}
		})
	}
}

func TestDecodeCountsUnknownFields(t *testing.T) {
	config := `{"listeners":[{"name":"a","port":80,"protocol":"HTTP","future":{"a":1,"b":2}}],"Routes":[],"extra":null}`
	_, c, w, err := Decode(sealed(t, config))
	if err != nil {
		t.Fatal(err)
	}
	// "Routes" is not "routes": names match in their exact case only.
	if w.UnknownFields != 3 {
		t.Errorf("got %d unknown fields, want 3", w.UnknownFields)
	}
	if len(c.Listeners) != 1 || c.Listeners[0].Port != 80 {
		t.Errorf("got %+v", c)
	}
}

// sameMeaning says whether data decodes to the sample, or not at all.
func sameMeaning(t *testing.T, data []byte, want *Document, config *Config) bool {
	t.Helper()
	d, c, _, err := Decode(data)
	if err != nil {
		return true
	}
	return d.Gateway == want.Gateway && d.Revision == want.Revision && d.Hash == want.Hash && reflect.DeepEqual(c, config)
}

func TestTruncationsNeverDecodeToSomethingElse(t *testing.T) {
	data := mustEncode(t, 7, sampleConfig())
	want, config, _, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if !sameMeaning(t, data[:n], want, config) {
			t.Fatalf("the first %d of %d bytes decode to something else", n, len(data))
		}
	}
}

func TestBitFlipsNeverDecodeToSomethingElse(t *testing.T) {
	data := mustEncode(t, 7, sampleConfig())
	want, config, _, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		// Two bits of every byte, so that each kind of flip meets each kind of
		// token; the fuzz target goes further.
		for _, bit := range []int{i % 8, (i + 5) % 8} {
			data[i] ^= 1 << bit
			if !sameMeaning(t, data, want, config) {
				t.Fatalf("with bit %d of byte %d flipped it decodes to something else", bit, i)
			}
			data[i] ^= 1 << bit
		}
	}
}

// What Decode accepts must survive being encoded again.
func FuzzDecode(f *testing.F) {
	f.Add(mustEncode(f, 7, sampleConfig()))
	f.Add(mustEncode(f, 1, &Config{}))
	f.Add([]byte(`{"schema":"proxyconfig.fleetgate.io/v1","config":{}}`))
	f.Add([]byte(`{"schema":"proxyconfig.fleetgate.io/v1","config":{},"config":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, c, _, err := Decode(data)
		if err != nil {
			return
		}
		Validate(c)
		again, _, err := Encode(d.Gateway, d.Revision, c)
		if err != nil {
			t.Fatal(err)
		}
		_, c2, _, err := Decode(again)
		if err != nil {
			t.Fatalf("own encoding is refused: %v", err)
		}
		h1, _ := Hash(c)
		h2, _ := Hash(c2)
		if h1 != h2 {
			t.Fatalf("got %+v, want %+v", c2, c)
		}
	})
}
