package page

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBlocksAreReadAsTheyStand(t *testing.T) {
	const text = "# A page\n\n```sh\necho a\ncat <<'EOF'\n  b\nEOF\n```\n\n1. In a list:\n\n   ```promql\n   sum(up)\n   ```\n\n" +
		"```sh on some nodes\necho c\n```\n\n```\nno language\n```\n\n`not a block`\n"
	file := filepath.Join(t.TempDir(), "first.md")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Blocks(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []Block{
		{"first", Shell, "echo a\ncat <<'EOF'\n  b\nEOF\n"},
		{"first", Query, "sum(up)\n"},
		{"first", Shell, "echo c\n"},
		{"first", "", "no language\n"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("blocks, want and got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{want[0].Text, want[2].Text}, Texts(got, Shell)); diff != "" {
		t.Errorf("what is for a shell, want and got:\n%s", diff)
	}
	if title := got[0].Title(); title != "echo a" {
		t.Errorf("the first block is called %q", title)
	}
}
