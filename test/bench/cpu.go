package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuTime is the time that processes spent on a CPU so far, as the scheduler
// counted it. Threads that have ended are not in it; no engine here ends threads
// while it works.
func cpuTime(pids ...int) (sum time.Duration, err error) {
	for _, pid := range pids {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if err != nil || len(files) == 0 {
			return 0, errors.Join(err, fmt.Errorf("process %d has no schedstat", pid))
		}
		for _, file := range files {
			spent, err := readSchedstat(file)
			if err != nil {
				return 0, err
			}
			sum += spent
		}
	}
	return sum, nil
}

func readSchedstat(file string) (time.Duration, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return parseSchedstat(string(data))
}

// parseSchedstat reads the first of schedstat's three fields, nanoseconds on a
// CPU (proc(5)).
func parseSchedstat(line string) (time.Duration, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return 0, fmt.Errorf("schedstat has %d fields, not 3", len(fields))
	}
	spent, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("schedstat: %w", err)
	}
	return time.Duration(spent), nil
}

// eachOf calls f for a process and all that descend from it.
func eachOf(pid int, f func(pid int) error) error {
	parents, err := processParents()
	if err != nil {
		return err
	}
	return walk(pid, parents, f)
}

// walk visits a process before its children.
func walk(pid int, parents map[int]int, f func(pid int) error) error {
	if err := f(pid); err != nil {
		return err
	}
	for child, parent := range parents {
		if parent != pid {
			continue
		}
		if err := walk(child, parents, f); err != nil {
			return err
		}
	}
	return nil
}

// processParents maps the processes to their parents.
func processParents() (map[int]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	parents := make(map[int]int, len(files))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrProcessDone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s, err := parseStat(string(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		parents[s.pid] = s.parent
	}
	return parents, nil
}

// stat is what the kernel says of a process or a thread: its number and its
// parent's, and a letter for what it does.
type stat struct {
	pid, parent int
	state       string
}

// parseStat reads it. The name between the numbers is in parentheses and may hold
// anything (proc(5)).
func parseStat(line string) (s stat, err error) {
	name := strings.LastIndexByte(line, ')')
	if name < 0 {
		return s, errors.New("stat has no name")
	}
	if _, err := fmt.Sscanf(line, "%d ", &s.pid); err != nil {
		return s, fmt.Errorf("stat: %w", err)
	}
	if _, err := fmt.Sscanf(line[name+1:], " %s %d", &s.state, &s.parent); err != nil {
		return s, fmt.Errorf("stat: %w", err)
	}
	return s, nil
}

// runnable says whether a thread of some processes has something to do, be it that it
// has to wait for a CPU.
func runnable(pids ...int) (bool, error) {
	for _, pid := range pids {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil || len(files) == 0 {
			return false, errors.Join(err, fmt.Errorf("process %d has no stat", pid))
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return false, err
			}
			s, err := parseStat(string(data))
			if err != nil || s.state == "R" {
				return true, err
			}
		}
	}
	return false, nil
}

// family are a process and all that descend from it.
func family(pid int) ([]int, error) {
	var all []int
	err := eachOf(pid, func(pid int) error {
		all = append(all, pid)
		return nil
	})
	return all, err
}
