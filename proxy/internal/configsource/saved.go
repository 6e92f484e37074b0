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
// mount. Save belongs to one goroutine, and nobody else writes to the directory.
type SavedConfig struct {
	// Dir is a directory that outlives the process.
	Dir string

	// kept are the parts by key that are in the directory; nil before the first
	// document, when those of an earlier process may be there.
	kept map[string]bool
}

func (s *SavedConfig) path() string { return filepath.Join(s.Dir, proxyconfig.ConfigKey) }

// Load returns what was saved, or an empty observation when nothing was.
func (s *SavedConfig) Load() (Observation, error) {
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
func (s *SavedConfig) Save(document []byte, parts map[string][]byte) error {
	if err := s.save(document, parts); err != nil {
		return fmt.Errorf("saving the configuration: %w", err)
	}
	return nil
}

func (s *SavedConfig) save(document []byte, parts map[string][]byte) error {
	if err := s.look(); err != nil {
		return err
	}
	for key, data := range parts {
		if data == nil && !s.kept[key] {
			return fmt.Errorf("part %s was not saved when it was read", key)
		}
		if data == nil {
			continue
		}
		if err := s.replace(key, data); err != nil {
			return err
		}
		s.kept[key] = true
	}
	if err := s.replace(proxyconfig.ConfigKey, document); err != nil {
		return err
	}
	return s.sweep(parts)
}

// look finds out what an earlier process has left. After that it is known what is
// there, so that a change costs no more for the parts that it is not about.
func (s *SavedConfig) look() error {
	if s.kept != nil {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(s.Dir, "*"+partSuffix))
	if err != nil {
		return err
	}
	s.kept = make(map[string]bool, len(files))
	for _, file := range files {
		s.kept[filepath.Base(file)] = true
	}
	return nil
}

// next is the name of a file that is not whole yet.
const next = ".config-next"

func (s *SavedConfig) replace(name string, data []byte) error {
	tmp := filepath.Join(s.Dir, next)
	// This does not wait for the disk: what the file has to survive is the process,
	// and a node that loses power loses the emptyDir.
	err := os.WriteFile(tmp, data, 0o600)
	if err == nil {
		err = os.Rename(tmp, filepath.Join(s.Dir, name))
	}
	if err != nil {
		os.Remove(tmp)
	}
	return err
}

// sweep removes the parts that are not among those in use.
func (s *SavedConfig) sweep(parts map[string][]byte) (err error) {
	for key := range s.kept {
		if _, used := parts[key]; used {
			continue
		}
		if failed := os.Remove(filepath.Join(s.Dir, key)); failed != nil && !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
			continue
		}
		delete(s.kept, key)
	}
	return err
}

// partSuffix is the ending of proxyconfig.Part.Key.
const partSuffix = ".json.gz"
