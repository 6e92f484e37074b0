package configsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// dataLink is the symbolic link that the kubelet swaps to replace all files of a
// volume at once.
const dataLink = "..data"

// maxFileBytes bounds what is read of one file: nothing larger fits into a
// ConfigMap or Secret.
const maxFileBytes = 1 << 20

// MountedConfig is the mounted lane: a directory with the document and the key
// pairs. It may be a volume of the kubelet or a plain directory whose files are
// replaced by renaming.
type MountedConfig struct {
	Dir string
	// Poll is how often the directory is read in any case; it makes up for
	// notifications that are lost or cannot be had.
	Poll time.Duration
	Log  logr.Logger
}

// Read returns what the directory holds. A volume is read through one directory
// handle, so that files of two versions never mix.
func (m *MountedConfig) Read() (Observation, error) {
	o := Observation{Source: Mount}
	var err error
	// The kubelet removes the old version after the swap: a reader that was
	// caught in between starts again.
	for range 5 {
		dir := currentVersion(m.Dir)
		var files map[string][]byte
		files, err = readVersion(dir)
		if currentVersion(m.Dir) != dir {
			err = errSwapped
			continue
		}
		if err == nil {
			o.Document = files[proxyconfig.ConfigKey]
			o.Part = func(p proxyconfig.Part) ([]byte, error) { return readPart(m.Dir, dir, p) }
			o.Certificates = keyPairs(files)
			return o, nil
		}
	}
	return o, fmt.Errorf("reading %s: %w", m.Dir, err)
}

var errSwapped = errors.New("the files were replaced while they were read")

// currentVersion is the directory that the link leads to, or dir itself where
// there is no link.
func currentVersion(dir string) string {
	if target, err := filepath.EvalSymlinks(filepath.Join(dir, dataLink)); err == nil {
		return target
	}
	return dir
}

// readVersion reads the files of one version of the directory.
func readVersion(dir string) (map[string][]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		if !wanted(entry.Name()) {
			continue
		}
		data, err := readFile(root, entry.Name())
		if err != nil {
			return nil, err
		}
		files[entry.Name()] = data
	}
	return files, nil
}

func wanted(name string) bool {
	return name == proxyconfig.ConfigKey || strings.HasSuffix(name, certificateSuffix) || strings.HasSuffix(name, keySuffix)
}

// readPart reads a part of one version of the directory, or of the version that
// has replaced it meanwhile: its hash says whether it is the part that is wanted.
func readPart(volume, version string, p proxyconfig.Part) ([]byte, error) {
	for _, dir := range []string{version, currentVersion(volume)} {
		root, err := os.OpenRoot(dir)
		if err != nil {
			continue
		}
		data, err := readFile(root, p.Key())
		root.Close()
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return nil, missing(p)
}

func readFile(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes))
}

// Run sends an observation at once and after every change, until ctx ends.
func (m *MountedConfig) Run(ctx context.Context, out chan<- Observation) {
	notify := newNotifier(m.Dir, m.Log)
	defer notify.close()
	poll := time.NewTicker(m.Poll)
	defer poll.Stop()
	failing := false
	for {
		o, err := m.Read()
		switch {
		case err == nil:
			failing = false
			select {
			case out <- o:
			case <-ctx.Done():
				return
			}
		case !failing:
			failing = true
			m.Log.Error(err, "Kept the configuration, as the mounted one cannot be read")
		}
		if !notify.wait(ctx, poll.C) {
			return
		}
	}
}

// settle is how long changes are gathered before the directory is read: a swap
// is a handful of events, and a plain directory gets its files one by one.
const settle = 5 * time.Millisecond

// notifier waits for changes of a directory. Without notifications, which the
// system may refuse for want of descriptors, only polling is left.
type notifier struct {
	dir     string
	watcher *fsnotify.Watcher
	watched bool
}

func newNotifier(dir string, log logr.Logger) *notifier {
	n := &notifier{dir: dir}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		log.Error(err, "Polling the mounted configuration, as it cannot be watched")
		return n
	}
	n.watcher = w
	return n
}

func (n *notifier) close() {
	if n.watcher != nil {
		n.watcher.Close()
	}
}

// wait returns true after a change or a tick, and false when ctx has ended.
func (n *notifier) wait(ctx context.Context, tick <-chan time.Time) bool {
	if n.watcher == nil {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		}
	}
	// The directory may come into being after the process. Once it is watched
	// it is read again, for it may have changed in between.
	if !n.watched && n.watcher.Add(n.dir) == nil {
		n.watched = true
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-tick:
		return true
	case <-n.watcher.Events:
	case <-n.watcher.Errors: // events were lost
	}
	return n.gather(ctx)
}

// gather swallows what follows the first event.
func (n *notifier) gather(ctx context.Context) bool {
	over := time.NewTimer(settle)
	defer over.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-n.watcher.Events:
		case <-n.watcher.Errors:
		case <-over.C:
			return true
		}
	}
}
