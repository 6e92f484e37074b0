package tracing

import (
	"strings"
	"testing"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestParseParent(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"sampled", parent, parent},
		{"not sampled", parent[:53] + "00", parent[:53] + "00"},
		{"a random identifier", parent[:53] + "03", parent[:53] + "03"},
		{"unknown flags are not passed on", parent[:53] + "fd", parent},
		{"a later version", "cc" + parent[2:], parent},
		{"a later version with more to say", "cc" + parent[2:] + "-what-follows", parent},
		{"a later version that goes on otherwise", "cc" + parent[2:] + ".what", ""},
		{"this version with more", parent + "-00", ""},
		{"the version that is none", "ff" + parent[2:], ""},
		{"nothing", "", ""},
		{"too short", parent[:54], ""},
		{"capital digits", strings.ToUpper(parent), ""},
		{"no digits", strings.Replace(parent, "4b", "4g", 1), ""},
		{"a trace of zeros", "00-" + strings.Repeat("0", 32) + parent[35:], ""},
		{"a span of zeros", parent[:36] + strings.Repeat("0", 16) + "-01", ""},
		{"other separators", strings.ReplaceAll(parent, "-", "_"), ""},
		{"two of them", parent + "," + parent, ""},
		{"far too long", "cc" + parent[2:] + "-" + strings.Repeat("x", MaxState), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, ok := ParseParent([]byte(test.in))
			got := ""
			if ok {
				got = string(c.AppendTo(nil))
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPutSpan(t *testing.T) {
	text := []byte(parent)
	PutSpan(text, SpanID{1, 2, 3, 4, 5, 6, 7, 0xff})
	if want := parent[:36] + "01020304050607ff-01"; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func FuzzParseParent(f *testing.F) {
	f.Add([]byte(parent))
	f.Add([]byte("cc" + parent[2:] + "-x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, ok := ParseParent(in)
		if !ok {
			return
		}
		again, ok := ParseParent(c.AppendTo(nil))
		if !ok || again != c {
			t.Errorf("%q: got %v, then %v", in, c, again)
		}
	})
}
