package node

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

func TestFramesArriveAsTheyWereSent(t *testing.T) {
	var wire bytes.Buffer
	sent := Endpoints{Endpoints: []probe.Endpoint{{Address: netip.MustParseAddrPort("[2001:db8::1]:80"), Backend: 7}}, Last: true}
	if err := WriteMessage(&wire, KindEndpoints, sent); err != nil {
		t.Fatal(err)
	}
	if err := WriteMessage(&wire, KindPing, nil); err != nil {
		t.Fatal(err)
	}
	kind, payload, err := Read(&wire, MaxFrame)
	var got Endpoints
	if err != nil || kind != KindEndpoints || Decode(payload, &got) != nil {
		t.Fatalf("got kind %d, error %v", kind, err)
	}
	if diff := cmp.Diff(sent, got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if kind, payload, err := Read(&wire, MaxFrame); kind != KindPing || len(payload) > 0 || err != nil {
		t.Errorf("got kind %d with %d bytes, error %v", kind, len(payload), err)
	}
	if _, _, err := Read(&wire, MaxFrame); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: got error %v", err)
	}
}

func TestFramesThatAreTooLargeAreRefusedBeforeTheyAreRead(t *testing.T) {
	for _, tt := range []struct {
		name  string
		wire  string
		limit uint32
	}{
		{"beyond the caller's limit", "\x01\x00\x00\x00\x09", 8},
		{"beyond the protocol's", "\x01\xff\xff\xff\xff", 1<<32 - 1},
	} {
		rest := strings.NewReader(tt.wire + "what follows")
		if _, _, err := Read(rest, tt.limit); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got error %v", tt.name, err)
		}
		if rest.Len() != len("what follows") {
			t.Errorf("%s: more than the header was read", tt.name)
		}
	}
	if err := Write(io.Discard, KindHello, make([]byte, MaxFrame+1)); !errors.Is(err, ErrMalformed) {
		t.Errorf("one that was to be written: got error %v", err)
	}
	if _, _, err := Read(strings.NewReader("\x01\x00\x00\x00\x09cut"), MaxFrame); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("one that was cut: got error %v", err)
	}
}

func TestFlowsArriveAsTheyWereSent(t *testing.T) {
	key := bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_UPSTREAM), Id: 5}
	flow := bpf.L4Flow{Opened: 1, Received: 1 << 60, Retransmitted: 3}
	flow.Closed[2], flow.Failed[1] = 4, 5
	flow.Wait.Sum, flow.Wait.Bucket[7] = 6, 7
	flow.Lifetime.Bucket[len(flow.Lifetime.Bucket)-1] = 8
	wire, err := EncodeFlow(nil, key, &flow)
	if err != nil {
		t.Fatal(err)
	}
	if len(wire) > MaxFrame {
		t.Errorf("a flow takes %d bytes", len(wire))
	}
	gotKey, got, err := DecodeFlow(wire)
	if err != nil || gotKey != key || *got != flow {
		t.Errorf("got %+v %+v, error %v", gotKey, got, err)
	}
	if _, _, err := DecodeFlow(wire[1:]); !errors.Is(err, ErrMalformed) {
		t.Errorf("one that was cut: got error %v", err)
	}
}

// FuzzRead takes what a stranger may send: no more than the limit is taken, and
// what was read is what a frame of it would hold.
func FuzzRead(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x02{}"))
	f.Add([]byte("\x01\x00\x01\x00\x01"))
	f.Add([]byte("\x44\x00\x00"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		const limit = 1024
		kind, payload, err := Read(bytes.NewReader(wire), limit)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if len(payload) > limit || Write(&again, kind, payload) != nil || !bytes.HasPrefix(wire, again.Bytes()) {
			t.Errorf("got %d bytes of kind %d from %q", len(payload), kind, wire)
		}
		var hello Hello
		_ = Decode(payload, &hello)
	})
}
