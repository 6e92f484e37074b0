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
	return o, nil
}

// Save replaces the file as a whole: whoever reads it sees the old document or
// the new one, however the process ends.
func (s SavedConfig) Save(document []byte) error {
	tmp, err := os.CreateTemp(s.Dir, ".config-*")
	if err != nil {
		return fmt.Errorf("saving the configuration: %w", err)
	}
	err = writeAll(tmp, document)
	if err == nil {
		err = os.Rename(tmp.Name(), s.path())
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("saving the configuration: %w", err)
	}
	return nil
}

// writeAll writes and closes. It does not wait for the disk: what the file has
// to survive is the process, and a node that loses power loses the emptyDir.
func writeAll(f *os.File, data []byte) error {
	_, err := f.Write(data)
	return errors.Join(err, f.Close())
}
