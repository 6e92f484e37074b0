package probe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// cgroupPath returns the process's path in the cgroup v2 hierarchy as the
// process sees it, empty when it has none. The line of version 2 is "0::<path>".
func cgroupPath(file string) (string, error) {
	lines, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading own cgroup: %w", err)
	}
	for line := range strings.Lines(string(lines)) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSuffix(path, "\n"), nil
		}
	}
	return "", nil
}

// openCgroup opens the process's own cgroup v2 directory: the one that was
// set, or the one at the path in a hierarchy where such are mounted. It returns
// nil when there is none.
func openCgroup(set, path string) *os.File {
	places := []string{set}
	if set == "" {
		places = []string{
			filepath.Join("/sys/fs/cgroup", path),
			// Where version 1 is in use as well.
			filepath.Join("/sys/fs/cgroup/unified", path),
		}
	}
	for _, place := range places {
		dir, err := os.Open(place)
		if err != nil {
			continue
		}
		var where unix.Statfs_t
		if unix.Fstatfs(int(dir.Fd()), &where) == nil && where.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir
		}
		dir.Close()
	}
	return nil
}
