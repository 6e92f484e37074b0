package table

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected texts")

// Each folder of testdata is a table and the text that it makes.
func TestText(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.json")
	if err != nil || len(inputs) == 0 {
		t.Fatal("no inputs", err)
	}
	for _, input := range inputs {
		t.Run(strings.TrimSuffix(filepath.Base(input), ".json"), func(t *testing.T) {
			data, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			var table Table
			if err := json.Unmarshal(data, &table); err != nil {
				t.Fatal(err)
			}
			got := table.Text()
			golden := strings.TrimSuffix(input, ".json") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func one(programmed string) *Table {
	return &Table{Source: "d", Gateways: []Gateway{{Namespace: "a", Name: "web", Programmed: programmed}}}
}

func TestPrinterPrintsChangesOnly(t *testing.T) {
	var out strings.Builder
	p := NewPrinter(&out, Auto)
	for _, programmed := range []string{"False", "False", "True", "True"} {
		if err := p.Print(one(programmed)); err != nil {
			t.Fatal(err)
		}
	}
	want := one("False").Text() + "\n" + one("True").Text()
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestPrinterWritesOneDocumentALine(t *testing.T) {
	var out strings.Builder
	p := NewPrinter(&out, JSON)
	for _, programmed := range []string{"False", "True"} {
		if err := p.Print(one(programmed)); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var got Table
	if err := json.Unmarshal([]byte(lines[1]), &got); err != nil || len(lines) != 2 || got.Gateways[0].Programmed != "True" {
		t.Errorf("%v, %q", err, lines)
	}
}

func TestLiveWritesOverTheLastTable(t *testing.T) {
	var out strings.Builder
	p := &Printer{out: &out, format: Live, width: func() int { return 20 }}
	for _, source := range []string{"a", "b"} {
		if err := p.Print(&Table{Source: source}); err != nil {
			t.Fatal(err)
		}
	}
	// "No Gateway in a yet." has 20 characters and takes one row.
	want := "No Gateway in a yet.\x1b[K\n\x1b[J\x1b[1ANo Gateway in b yet.\x1b[K\n\x1b[J"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestRows(t *testing.T) {
	tests := []struct {
		text  string
		width int
		want  int
	}{
		{"", 10, 0},
		{"a\n\nb\n", 10, 3},
		{"1234567890\n", 10, 1},
		{"12345678901\n", 10, 2},
		{"äöüäöüäöüä\n", 10, 1},
		{strings.Repeat("x", 100) + "\n", 0, 1},
	}
	for _, tt := range tests {
		if got := rows(tt.text, tt.width); got != tt.want {
			t.Errorf("%q in %d columns: %d rows, want %d", tt.text, tt.width, got, tt.want)
		}
	}
}
