package h2

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// frameCase is a case of http2-frame-test-case; those with an error are of
// frames that the RFC forbids.
type frameCase struct {
	Wire  string
	Error []int
	Frame *struct {
		Length           int
		Type             uint8
		Flags            uint8
		StreamIdentifier uint32 `json:"stream_identifier"`
		Payload          struct {
			PaddingLength *int `json:"padding_length"`
		} `json:"frame_payload"`
	}
}

// samples are cases of our own, for when the corpus is not at hand.
var samples = []string{
	`{"wire": "0000050008000000010278780000", "frame": {"length": 5, "frame_payload": {"padding_length": 2}, "flags": 8, "stream_identifier": 1, "type": 0}}`,
	`{"wire": "000008060180000000deadbeef00000000", "frame": {"length": 8, "frame_payload": {}, "flags": 1, "stream_identifier": 0, "type": 6}}`,
	`{"wire": "000001000800000001ff", "error": [1]}`,
}

// The frames of http2-frame-test-case are read as it says.
func TestFrameCorpus(t *testing.T) {
	for _, s := range samples {
		checkFrame(t, "sample", []byte(s))
	}
	if root := os.Getenv("FLEETGATE_CORPORA"); root != "" {
		files, _ := filepath.Glob(filepath.Join(root, "http2-frame-test-case", "*", "*.json"))
		if len(files) == 0 {
			t.Fatal("the corpus is empty")
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			checkFrame(t, filepath.Base(f), b)
		}
	}
}

func checkFrame(t *testing.T, name string, b []byte) {
	t.Helper()
	var c frameCase
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	wire, err := hex.DecodeString(c.Wire)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if c.Frame == nil {
		r := newRecorder(Server, Options{})
		r.c.Receive(0, []byte(preface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
		r.c.Receive(0, wire)
		if r.c.Err() == nil {
			t.Errorf("%s: a bad frame was taken", name)
		}
		return
	}
	f, want := parseFrame(wire), c.Frame
	if frameLen(wire) != want.Length || f.kind != want.Type || f.flags != want.Flags || f.id != want.StreamIdentifier || len(f.payload) != want.Length {
		t.Errorf("%s: got %+v, want %+v", name, f, want)
	}
	if n := want.Payload.PaddingLength; n != nil && (f.kind == typeData || f.kind == typeHeaders) {
		p, err := f.unpad()
		if err != nil || len(p) != want.Length-1-*n {
			t.Errorf("%s: got %d bytes, %v", name, len(p), err)
		}
	}
}
