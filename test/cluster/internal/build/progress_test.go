package build

import (
	"bytes"
	"testing"
	"time"
)

func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	p := &Progress{out: &out, now: func() time.Time { return now }}
	p.Begin(2)
	done := p.Step("first v1.0.0")
	now = now.Add(90 * time.Second)
	done()
	p.Step("second")()
	p.End()
	want := `Building 2 components; the first time this takes some minutes
[1/2] first v1.0.0 … 0s
[1/2] first v1.0.0: 1m30s
[2/2] second … 0s
[2/2] second: 0s
Built in 1m30s
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestProgressSaysNothingOfNothing(t *testing.T) {
	var out bytes.Buffer
	p := &Progress{out: &out, now: time.Now}
	p.Begin(0)
	p.End()
	if out.Len() > 0 {
		t.Errorf("got %q", out.String())
	}
}
