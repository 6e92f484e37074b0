package fleet

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The names that a kubelet uses inside a volume. What starts with two dots is
// not content.
const (
	volumeData = "..data"
	volumeTemp = "..data_tmp"
)

// writeVolume makes dir hold exactly the files, swapped in as a whole: as a
// kubelet does it, each name is a link into ..data, which is itself a link and
// is replaced by one rename. A reader that opens files through ..data never
// sees some of one set and some of another.
func writeVolume(dir string, files map[string][]byte) error {
	generation, err := writeGeneration(dir, files)
	if err != nil {
		return err
	}
	previous, err := os.Readlink(filepath.Join(dir, volumeData))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := swap(dir, generation); err != nil {
		return err
	}
	if err := link(dir, slices.Collect(maps.Keys(files))); err != nil {
		return err
	}
	if previous == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, previous))
}

// writeGeneration writes the files to a directory of their own and returns its
// name.
func writeGeneration(dir string, files map[string][]byte) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path, err := os.MkdirTemp(dir, "..generation-")
	if err != nil {
		return "", err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(path, name), content, 0o600); err != nil {
			return "", errors.Join(err, os.RemoveAll(path))
		}
	}
	return filepath.Base(path), nil
}

func swap(dir, generation string) error {
	temp := filepath.Join(dir, volumeTemp)
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(generation, temp); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(dir, volumeData))
}

// link makes the visible names those of the files.
func link(dir string, names []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var there []string
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, ".."):
		case slices.Contains(names, name):
			there = append(there, name)
		default:
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	for _, name := range names {
		if slices.Contains(there, name) {
			continue
		}
		if err := os.Symlink(filepath.Join(volumeData, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
