package host

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

func TestRecord(t *testing.T) {
	l := layout.Layout{Root: t.TempDir()}
	if _, err := readRecord(l); !errors.Is(err, ErrDown) {
		t.Errorf("without a record: got %v, want ErrDown", err)
	}
	if err := os.MkdirAll(l.State(), 0o755); err != nil {
		t.Fatal(err)
	}
	want := record{PID: 42, Started: "4711", Cgroups: []string{"/sys/fs/cgroup/fleetgate"}}
	if err := want.write(l); err != nil {
		t.Fatal(err)
	}
	got, err := readRecord(l)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRunHiddenLeavesOthersAlone(t *testing.T) {
	hidden, err := RunHidden()
	if hidden || err != nil {
		t.Errorf("got %v, %v under the name %s", hidden, err, os.Args[0])
	}
}
