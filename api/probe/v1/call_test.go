package probe

import "testing"

func TestCallHoldsFourRecords(t *testing.T) {
	r := Record{Series: 1, Backend: 2, Status: 200, Duration: 1<<40 - 1, Upstream: 3, RequestBytes: 4, ResponseBytes: 1<<24 - 1}
	var c Call
	for i := range 4 {
		if !c.Add(&r) {
			t.Fatalf("no room for record %d", i+1)
		}
	}
	if c.Add(&r) {
		t.Error("there is room for a fifth record")
	}
	for i := range 4 {
		words := [3]uint64(c.Registers[3*i:])
		want := [3]uint64{2<<60 | 200<<24 | 2<<12 | 1, 1<<64 - 1, 4<<40 | 3}
		if words != want {
			t.Errorf("record %d: got %#x, want %#x", i+1, words, want)
		}
	}
}

func TestWhatDoesNotFitTakesACallOfItsOwn(t *testing.T) {
	short := Record{Series: 7}
	for name, r := range map[string]Record{
		"duration":       {Duration: 1 << 40},
		"upstream":       {Upstream: 1 << 40},
		"request bytes":  {RequestBytes: 1 << 24},
		"response bytes": {ResponseBytes: 1<<64 - 1},
	} {
		r.Series, r.Status = 5, 404
		var c Call
		if c.Add(&short); c.Add(&r) {
			t.Errorf("%s: there is room beside another record", name)
		}
		c = Call{}
		if !c.Add(&r) {
			t.Errorf("%s: there is no room in an empty call", name)
		}
		want := [12]uint64{3<<60 | 404<<24 | 5, r.Duration, r.Upstream, r.RequestBytes, r.ResponseBytes}
		if c.Registers != want {
			t.Errorf("%s: got %#x, want %#x", name, c.Registers, want)
		}
		if c.Add(&short) {
			t.Errorf("%s: there is room for another record", name)
		}
	}
}
