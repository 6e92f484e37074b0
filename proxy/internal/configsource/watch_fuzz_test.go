package configsource

import (
	"encoding/json/jsontext"
	jsonv2 "encoding/json/v2"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
)

// FuzzWatch reads any stream of a watch. Of the versions that it brings each is
// told of once in a row, nothing behind an error is, and the next watch goes on
// behind the last event, or begins anew.
func FuzzWatch(f *testing.F) {
	f.Add(`{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"},"data":{"a":"b"}}}{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"2"}}}`)
	f.Add(`{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}} {"type":"DELETED","object":{"metadata":{"resourceVersion":"3"}}}`)
	f.Add(`{"type":"MODIFIED","object":{"metadata":{"resourceVersion":"1"}}}{"type":"ERROR","object":{"code":410}}{"type":"ADDED","object":{}}`)
	f.Add(`{"type":"ERROR","object":null}`)
	f.Add(`{"type":"ADDED","object":[]}`)
	f.Fuzz(func(t *testing.T, stream string) {
		var told []string
		w := watcher[text]{resource: "configmaps", name: "n", log: logr.Discard(), next: "0"}
		w.changed = func(o *object[text]) {
			version := ""
			if o != nil {
				version = o.Metadata.ResourceVersion
			}
			told = append(told, version)
		}
		err := w.follow(jsontext.NewDecoder(strings.NewReader(stream), lenient))
		want, next, failed := versionsOf(stream)
		if !slices.Equal(told, want) || w.next != next {
			t.Errorf("told of %q and goes on from %q, want %q and %q", told, w.next, want, next)
		}
		if failed != (err != nil && !errors.Is(err, errEnded)) {
			t.Errorf("failed %v, got %v", failed, err)
		}
	})
}

// versionsOf reads a stream event by event. What is gone has no version.
func versionsOf(stream string) (told []string, next string, failed bool) {
	next = "0"
	for d := jsontext.NewDecoder(strings.NewReader(stream), lenient); ; {
		var e watchEvent[text]
		err := jsonv2.UnmarshalDecode(d, &e)
		if _, is := errors.AsType[*jsonv2.SemanticError](err); err != nil && !is {
			return told, next, false
		}
		if err != nil || e.Object == nil || e.Type == "ERROR" {
			return told, "", true
		}
		o := e.Object
		next = o.Metadata.ResourceVersion
		version := next
		switch e.Type {
		case "DELETED":
			version = ""
		case "ADDED", "MODIFIED":
		default:
			continue
		}
		if len(told) == 0 || version != told[len(told)-1] {
			told = append(told, version)
		}
	}
}
