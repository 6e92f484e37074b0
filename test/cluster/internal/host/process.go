package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// process is what the kernel says of a process.
type process struct {
	// started is when it started, in a unit and from an origin that only the
	// kernel cares for.
	started string
	// ending is set as soon as it was killed or has begun to exit. For the
	// first process of a PID namespace that takes a while: it ends after all
	// others.
	ending bool
}

func readProcess(pid int) (process, error) {
	folder := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return process{}, err
	}
	p, err := parseStat(string(stat))
	if err != nil {
		return process{}, fmt.Errorf("process %d: %w", pid, err)
	}
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return process{}, err
	}
	p.ending = p.ending || killPending(string(status))
	return p, nil
}

// parseStat reads proc_pid_stat(5): state, flags and start time are fields 3,
// 9 and 22. Field 2, the name in brackets, may hold spaces and brackets of its
// own.
func parseStat(stat string) (process, error) {
	const exiting = 0x4 // PF_EXITING
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) < 20 {
		return process{}, errors.New("its status is short")
	}
	flags, err := strconv.ParseUint(fields[6], 10, 64)
	if err != nil {
		return process{}, fmt.Errorf("reading its flags: %w", err)
	}
	return process{
		started: fields[19],
		ending:  fields[0] == "Z" || fields[0] == "X" || flags&exiting != 0,
	}, nil
}

// killPending reads proc_pid_status(5): whether SIGKILL was sent to the
// process and it has not noticed yet.
func killPending(status string) bool {
	const kill = 1 << 8 // signal 9, counted from 1
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		if name != "SigPnd" && name != "ShdPnd" {
			continue
		}
		pending, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err == nil && pending&kill != 0 {
			return true
		}
	}
	return false
}
