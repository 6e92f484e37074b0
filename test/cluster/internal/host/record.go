package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

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

// alive reports whether the init process still is the one of the record.
func (r record) alive() bool {
	started, err := startTime(r.PID)
	return err == nil && r.PID > 0 && started == r.Started
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

// startTime returns the boot-relative time at which a process started, or an
// error if there is none or it has ended.
func startTime(pid int) (string, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	return parseStartTime(string(stat))
}

// parseStartTime reads field 22 of proc_pid_stat(5). The second field, the
// name in brackets, may hold spaces and brackets of its own.
func parseStartTime(stat string) (string, error) {
	end := strings.LastIndex(stat, ")")
	if end < 0 {
		return "", errors.New("process status has no name")
	}
	fields := strings.Fields(stat[end+1:])
	if len(fields) < 20 {
		return "", errors.New("process status is short")
	}
	if state := fields[0]; state == "Z" || state == "X" {
		return "", errors.New("process has ended")
	}
	return fields[19], nil
}
