package selftest

import (
	"testing"

	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
	"github.com/fleetgate/fleetgate/bpf/internal/load"
)

func TestRunChoosesAPlaceAndLeavesNothingBehind(t *testing.T) {
	l7, err := load.LoadL7()
	bpftest.Require(t, err)
	defer l7.Close()

	r, err := Run(l7)
	bpftest.Require(t, err)
	t.Logf("mode %s, %v a call", r.Mode, r.Cost)
	if l7.Attached() {
		t.Error("the program is still attached")
	}
	if n, err := count(l7); n != 0 || err != nil {
		t.Errorf("calls left behind: got %d, %v", n, err)
	}
}
