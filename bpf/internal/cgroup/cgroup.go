package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Errors that say why a directory is not the proxy's.
var (
	ErrNotCgroup = errors.New("not a cgroup v2 directory")
	ErrRoot      = errors.New("the root of all cgroups holds the whole machine")
	ErrNotFound  = errors.New("no cgroup of the pod")
)

// rootID is the identifier of the hierarchy's root on every kernel.
const rootID = 1

// Verify returns the identifier of a cgroup v2 directory that may be attached
// to.
func Verify(dir *os.File) (uint64, error) {
	fd := int(dir.Fd())
	var where unix.Statfs_t
	if err := unix.Fstatfs(fd, &where); err != nil {
		return 0, fmt.Errorf("looking at the cgroup's file system: %w", err)
	}
	var what unix.Stat_t
	if err := unix.Fstat(fd, &what); err != nil {
		return 0, fmt.Errorf("looking at the cgroup: %w", err)
	}
	if where.Type != unix.CGROUP2_SUPER_MAGIC || what.Mode&unix.S_IFMT != unix.S_IFDIR {
		return 0, ErrNotCgroup
	}
	// The root of a container's cgroup namespace is an ordinary cgroup.
	if what.Ino == rootID {
		return 0, ErrRoot
	}
	return what.Ino, nil
}

// depth is how far below the root a pod's directory can be:
// kubelet.slice/kubelet-kubepods.slice/…-burstable.slice/…-pod<uid>.slice.
const depth = 6

// Search says what is known of the directory that is looked for.
type Search struct {
	// Root is where the node's cgroup v2 hierarchy is mounted.
	Root string
	// PodUID names the pod that the directory must belong to.
	PodUID string
	// Path is the proxy's own in the hierarchy, as the proxy sees it.
	Path string
	// ID is the identifier of the proxy's directory, or zero if it is not known.
	ID uint64
}

// Find opens the proxy's directory: the one at the path or with the identifier
// that the proxy tells, if that is within the pod's, and otherwise the pod's
// own. The latter holds the sensor's sockets as well.
func (s Search) Find() (*os.File, error) {
	if s.PodUID == "" {
		return nil, fmt.Errorf("%w: the pod's UID is not known", ErrNotFound)
	}
	pod, err := s.podDir()
	if err != nil {
		return nil, err
	}
	// Cleaning the path as an absolute one leaves no way out of the root.
	told := filepath.Join(s.Root, filepath.Clean("/"+s.Path))
	if within(told, pod) {
		if dir, err := os.Open(told); err == nil {
			return dir, nil
		}
	}
	if dir := s.withID(pod); dir != nil {
		return dir, nil
	}
	dir, err := os.Open(pod)
	if err != nil {
		return nil, fmt.Errorf("opening the pod's cgroup: %w", err)
	}
	return dir, nil
}

// withID opens the directory of a container in the pod's that has the
// identifier, or returns nil.
func (s Search) withID(pod string) *os.File {
	if s.ID == 0 {
		return nil
	}
	entries, err := os.ReadDir(pod)
	if err != nil {
		return nil
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		dir, err := os.Open(filepath.Join(pod, entry.Name()))
		if err != nil {
			continue
		}
		var stat unix.Stat_t
		if unix.Fstat(int(dir.Fd()), &stat) == nil && stat.Ino == s.ID {
			return dir
		}
		dir.Close()
	}
	return nil
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+string(filepath.Separator))
}

// podDir walks the hierarchy down to the first directory named after the pod.
func (s Search) podDir() (string, error) {
	root := filepath.Clean(s.Root)
	found := ""
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			// Directories come and go with their containers.
			if path == root {
				return err
			}
			return fs.SkipDir
		case !entry.IsDir():
			return nil
		case ofPod(entry.Name(), s.PodUID):
			found = path
			return fs.SkipAll
		case strings.Count(strings.TrimPrefix(path, root), string(filepath.Separator)) >= depth:
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("searching the pod's cgroup: %w", err)
	}
	if found == "" {
		return "", fmt.Errorf("%w %s below %s", ErrNotFound, s.PodUID, s.Root)
	}
	return found, nil
}

// ofPod tells names such as "pod<uid>" and, by systemd's rules,
// "kubepods-burstable-pod<uid with underscores>.slice".
func ofPod(name, uid string) bool {
	name = strings.TrimSuffix(name, ".slice")
	return strings.HasSuffix(name, "pod"+uid) ||
		strings.HasSuffix(name, "pod"+strings.ReplaceAll(uid, "-", "_"))
}
