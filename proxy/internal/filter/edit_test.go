package filter

import "testing"

func line(name, lower, value string) HeaderLine {
	return HeaderLine{Name: lower, Line: []byte(name + ": " + value + "\r\n")}
}

func TestEdits(t *testing.T) {
	rule := &HeaderEdits{
		Set:    []HeaderLine{line("X-Set", "x-set", "rule"), line("Content-Length", "content-length", "3")},
		Add:    []HeaderLine{line("X-Add", "x-add", "rule")},
		Remove: []string{"x-gone"},
	}
	backend := &HeaderEdits{
		Set: []HeaderLine{line("X-Set", "x-set", "backend")},
		Add: []HeaderLine{line("X-Add", "x-add", "backend")},
	}
	e := Edits{rule, backend}
	if got, want := string(e.AppendTo(nil)), "X-Add: rule\r\nX-Set: backend\r\nX-Add: backend\r\n"; got != want {
		t.Errorf("got lines %q, want %q", got, want)
	}
	for name, want := range map[string]bool{"x-SET": true, "X-Gone": true, "X-Add": false, "Other": false} {
		if got := e.Drops([]byte(name)); got != want {
			t.Errorf("Drops(%q) = %v, want %v", name, got, want)
		}
	}
	if e.Empty() || !(&Edits{}).Empty() {
		t.Error("Empty is wrong")
	}
}
