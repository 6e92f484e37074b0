package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// family are a process and all that descend from it.
func family(pid int) ([]int, error) {
	var all []int
	err := eachOf(pid, func(pid int) error {
		all = append(all, pid)
		return nil
	})
	return all, err
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
