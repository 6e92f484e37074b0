package long

import "testing"

func TestN(t *testing.T) {
	t.Setenv("FLEETGATE_LONG", "")
	if got := N(1, 2); got != 1 || Run() {
		t.Errorf("got %d", got)
	}
	t.Setenv("FLEETGATE_LONG", "1")
	if got := N(1, 2); got != 2 || !Run() {
		t.Errorf("got %d", got)
	}
}
