package probe

import (
	"slices"
	"testing"
)

func TestCallHoldsFourRecords(t *testing.T) {
	r := Record{Series: 1, Backend: 2, Status: 200, Duration: 1<<40 - 1, Upstream: 3, RequestBytes: 4, ResponseBytes: 1<<24 - 1}
	want := [12]uint64{2<<60 | 200<<24 | 2<<12 | 1, 1<<64 - 1, 4<<40 | 3}
	for i := 3; i < len(want); i++ {
		want[i] = want[i-3]
	}
	for n := range 6 {
		var c Call
		rest := c.Fill(slices.Repeat([]Record{r}, n))
		held := min(n, 4)
		if len(rest) != n-held {
			t.Errorf("%d records: there is no room for %d", n, len(rest))
		}
		if full := 3 * held; !slices.Equal(c.Registers[:full], want[:full]) || slices.ContainsFunc(c.Registers[full:], func(w uint64) bool { return w != 0 }) {
			t.Errorf("%d records: got %#x", n, c.Registers)
		}
	}
}

func TestWhatDoesNotFitTakesACallOfItsOwn(t *testing.T) {
	brief := Record{Series: 7}
	for name, r := range map[string]Record{
		"duration":       {Duration: 1 << 40},
		"upstream":       {Upstream: 1 << 40},
		"request bytes":  {RequestBytes: 1 << 24},
		"response bytes": {ResponseBytes: 1<<64 - 1},
	} {
		r.Series, r.Status = 5, 404
		records := []Record{brief, brief, r, r, brief}
		for _, want := range [][12]uint64{
			{2<<60 | 7, 0, 0, 2<<60 | 7},
			{3<<60 | 404<<24 | 5, r.Duration, r.Upstream, r.RequestBytes, r.ResponseBytes},
			{3<<60 | 404<<24 | 5, r.Duration, r.Upstream, r.RequestBytes, r.ResponseBytes},
			{2<<60 | 7},
		} {
			var c Call
			records = c.Fill(records)
			if c.Registers != want {
				t.Errorf("%s: got %#x, want %#x", name, c.Registers, want)
			}
		}
		if len(records) > 0 {
			t.Errorf("%s: %d records are left", name, len(records))
		}
	}
}
