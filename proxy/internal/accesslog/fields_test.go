package accesslog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
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
		if name == queryField {
			continue
		}
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

// Tokens are found in queries, so these are for those who ask for them.
func TestQueriesAreWrittenWhereTheyAreChosen(t *testing.T) {
	d := sampleDone()
	for _, target := range []string{"/x?token=secret", "/x?token=secret?", "?token=secret", "*?token=secret"} {
		d.Target = []byte(target)
		for _, format := range []Format{JSON, Text} {
			for _, fields := range [][]string{nil, {"target"}, {"status", "target", "referer"}} {
				if got := appendChosen(nil, format, ParseFields(fields), d); bytes.Contains(got, []byte("secret")) {
					t.Errorf("%s with the fields %v: %s", target, fields, got)
				}
			}
		}
		got := decoded(t, appendChosen(nil, JSON, ParseFields([]string{"target", "query"}), d))
		path, query, _ := strings.Cut(target, "?")
		if path == "" {
			path = "<nil>"
		}
		if fmt.Sprint(got["target"]) != path || got["query"] != query {
			t.Errorf("%s: got %v", target, got)
		}
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
