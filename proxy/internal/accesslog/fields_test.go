package accesslog

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Each field can be chosen alone, and comes with the time and nothing else.
func TestFieldsAreChosen(t *testing.T) {
	d := sampleDone()
	d.TraceID = [16]byte{1}
	d.Slow = true
	d.ClientSocket = traffic.Socket{Known: true, Waited: true}
	d.BackendSocket = d.ClientSocket
	whole := decoded(t, appendLine(nil, JSON, d))
	for name := range fields {
		got := decoded(t, appendChosen(nil, JSON, ParseFields([]string{name}), d))
		if keys := slices.Sorted(maps.Keys(got)); len(keys) != 2 || got[name] == nil || got[name] != whole[name] || got["time"] != whole["time"] {
			t.Errorf("%s: got %v", name, got)
		}
	}
	got := decoded(t, appendChosen(nil, JSON, ParseFields([]string{"route", "status"}), d))
	if len(got) != 3 || got["route"] != "cart" || got["status"] != 503.0 {
		t.Errorf("got %v", got)
	}
}

func TestUnknownFieldsChooseNothing(t *testing.T) {
	if got := ParseFields([]string{"cookie", "status"}); got != fields["status"] {
		t.Errorf("got %b, want the status alone", got)
	}
	if got := ParseFields(nil); got != 0 || !got.has("status") {
		t.Errorf("got %b, want all", got)
	}
}

func decoded(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(line, &all); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return all
}
