package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// load reads all files below a folder, by their path within it. A folder that
// is not there has none.
func load(folder string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return files, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the bundle: %w", err)
	}
	return files, nil
}

// differences names the files that a folder should hold otherwise.
func differences(folder string, want map[string][]byte) ([]string, error) {
	got, err := load(folder)
	if err != nil {
		return nil, err
	}
	var all []string
	for path := range want {
		if content, ok := got[path]; !ok || !bytes.Equal(content, want[path]) {
			all = append(all, path)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all, nil
}

// replace makes the folder hold these files: all else below the folders that
// the generator owns goes, such as the manifest of an object that is no more.
func replace(folder string, files map[string][]byte) error {
	for _, owned := range []string{"manifests", "metadata", "tests/scorecard"} {
		if err := os.RemoveAll(filepath.Join(folder, owned)); err != nil {
			return fmt.Errorf("removing the former bundle: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the bundle's folder: %w", err)
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return fmt.Errorf("writing the bundle: %w", err)
		}
	}
	return nil
}
