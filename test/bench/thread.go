package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// eachThread calls f with what the kernel's file of a name says of each thread of some
// processes (proc(5)), until that returns an error.
func eachThread(name string, pids []int, f func(text string) error) error {
	for _, pid := range pids {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/%s", pid, name))
		if err != nil || len(files) == 0 {
			return errors.Join(err, fmt.Errorf("process %d has no %s", pid, name))
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if err := f(string(text)); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
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
func runnable(pids ...int) (found bool, err error) {
	err = eachThread("stat", pids, func(text string) error {
		s, err := parseStat(text)
		found = found || s.state == "R"
		return err
	})
	return found, err
}
