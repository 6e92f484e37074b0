package folder

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	type part struct {
		Text  string
		Above int
	}
	tests := []struct {
		name, in string
		want     []part
	}{
		{"empty", "", []part{{"", 0}}},
		{"one", "a: b\n", []part{{"a: b\n", 0}}},
		{"two", "a: b\n---\nc: d\n", []part{{"a: b\n", 0}, {"\nc: d\n", 1}}},
		{"marker first", "---\na: b\n", []part{{"\na: b\n", 0}}},
		{"comment first", "# a\n\n---\na: b\n---\n# c\n", []part{{"\na: b\n", 2}, {"\n# c\n", 4}}},
		{"comment and carriage return", "a: b\r\n--- # next\r\nc: d", []part{{"a: b\r\n", 0}, {" # next\r\nc: d", 1}}},
		{"marker at the end", "a: b\n---", []part{{"a: b\n", 0}, {"", 1}}},
		{"no marker", "a: |\n  ---\n----\n---x\n", []part{{"a: |\n  ---\n----\n---x\n", 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []part
			for _, d := range split([]byte(tt.in)) {
				got = append(got, part{string(d.text), d.above})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInFile(t *testing.T) {
	d := document{above: 40}
	got := d.inFile("yaml: line 3: online 5, line 12: bad")
	if want := "yaml: line 43: online 5, line 52: bad"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
