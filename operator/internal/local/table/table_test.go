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

func TestRedrawLeavesNothingOfTheLastTable(t *testing.T) {
	if got, want := redraw("a\nb\n"), home+"a"+clearLine+"\nb"+clearLine+"\n"+clearBelow; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
