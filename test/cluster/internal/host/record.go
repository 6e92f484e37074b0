package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// ErrDown says that no cluster runs.
var ErrDown = errors.New("the cluster is not up")

// record is what the init record says.
type record struct {
	// PID and Started name the init process; a process ID alone may have been
	// given to another since.
	PID     int
	Started string
	// Cgroups are the folders that hold the cluster's processes.
	Cgroups []string
}

// readRecord returns the record that lies there, if any, whether or not its
// process lives.
func readRecord(l layout.Layout) (record, error) {
	content, err := os.ReadFile(l.InitRecord())
	if errors.Is(err, os.ErrNotExist) {
		return record{}, ErrDown
	}
	if err != nil {
		return record{}, fmt.Errorf("reading the init record: %w", err)
	}
	var r record
	if err := json.Unmarshal(content, &r); err != nil {
		return record{}, fmt.Errorf("decoding the init record: %w", err)
	}
	return r, nil
}

func (r record) write(l layout.Layout) error {
	content, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding the init record: %w", err)
	}
	temporary := filepath.Join(filepath.Dir(l.InitRecord()), ".init.json")
	if err := os.WriteFile(temporary, content, 0o644); err != nil {
		return fmt.Errorf("writing the init record: %w", err)
	}
	return os.Rename(temporary, l.InitRecord())
}

// alive reports whether the init process still is the one of the record and
// is not about to end.
func (r record) alive() bool {
	p, err := readProcess(r.PID)
	return err == nil && p.started == r.Started && !p.ending
}

// awaitEnd waits until the kernel and the init process's parent have let go
// of it. A parent that collects its children late leaves an entry without a
// process behind, which is not waited for past the deadline.
func (r record) awaitEnd(deadline time.Time) {
	for {
		p, err := readProcess(r.PID)
		if err != nil || p.started != r.Started || time.Now().After(deadline) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r record) signal(s unix.Signal) error {
	if !r.alive() {
		return nil
	}
	if err := unix.Kill(r.PID, s); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("signalling the cluster's init: %w", err)
	}
	return nil
}
