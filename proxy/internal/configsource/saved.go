package configsource

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// SavedConfig is the file that keeps the document that was served last. It
// never holds key material: a restarted proxy reads its certificates from the
// mount.
type SavedConfig struct {
	// Dir is a directory that outlives the process.
	Dir string
}

func (s SavedConfig) path() string { return filepath.Join(s.Dir, proxyconfig.ConfigKey) }

// Load returns what was saved, or an empty observation when nothing was.
func (s SavedConfig) Load() (Observation, error) {
	o := Observation{Source: Saved}
	data, err := os.ReadFile(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("reading the saved configuration: %w", err)
	}
	o.Document = data
	o.Part = func(p proxyconfig.Part) ([]byte, error) { return readPart(s.Dir, s.Dir, p) }
	return o, nil
}

// Save replaces the file as a whole: whoever reads it sees the old document or
// the new one, however the process ends. The parts, by key, are there before the
// document that names them, and those that it does not name go after it. A part
// without bytes has to be there already.
func (s SavedConfig) Save(document []byte, parts map[string][]byte) error {
	for key, data := range parts {
		if err := s.keep(key, data); err != nil {
			return fmt.Errorf("saving the configuration: %w", err)
		}
	}
	if err := s.replace(proxyconfig.ConfigKey, document); err != nil {
		return fmt.Errorf("saving the configuration: %w", err)
	}
	return s.sweep(parts)
}

func (s SavedConfig) keep(key string, data []byte) error {
	if _, err := os.Stat(filepath.Join(s.Dir, key)); err == nil && data == nil {
		return nil
	} else if data == nil {
		return fmt.Errorf("part %s was not saved when it was read: %w", key, err)
	}
	return s.replace(key, data)
}

func (s SavedConfig) replace(name string, data []byte) error {
	tmp, err := os.CreateTemp(s.Dir, ".config-*")
	if err != nil {
		return err
	}
	if err = writeAll(tmp, data); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(s.Dir, name))
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}

// sweep removes the parts that are not among those in use.
func (s SavedConfig) sweep(parts map[string][]byte) error {
	files, err := filepath.Glob(filepath.Join(s.Dir, "*"+partSuffix))
	for _, file := range files {
		if _, used := parts[filepath.Base(file)]; !used {
			err = errors.Join(err, os.Remove(file))
		}
	}
	return err
}

// partSuffix is the ending of proxyconfig.Part.Key.
const partSuffix = ".json.gz"

// writeAll writes and closes. It does not wait for the disk: what the file has
// to survive is the process, and a node that loses power loses the emptyDir.
func writeAll(f *os.File, data []byte) error {
	_, err := f.Write(data)
	return errors.Join(err, f.Close())
}
