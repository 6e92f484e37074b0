package edge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// volume is a directory that is written as the kubelet writes one: the files of
// each version lie in a directory of their own, behind a link that is swapped.
type volume struct {
	dir     string
	version int
}

const dataLink = "..data"

// write replaces all files at once.
func (v *volume) write(files map[string][]byte) error {
	old := v.name()
	v.version++
	if err := os.MkdirAll(filepath.Join(v.dir, v.name()), 0o755); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(v.dir, v.name(), name), data, 0o600); err != nil {
			return err
		}
	}
	if err := v.swap(); err != nil {
		return err
	}
	for name := range files {
		err := os.Symlink(filepath.Join(dataLink, name), filepath.Join(v.dir, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(v.dir, old))
}

func (v *volume) name() string { return fmt.Sprintf("..v%d", v.version) }

func (v *volume) swap() error {
	next := filepath.Join(v.dir, dataLink+"_tmp")
	if err := os.Symlink(v.name(), next); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(v.dir, dataLink))
}
