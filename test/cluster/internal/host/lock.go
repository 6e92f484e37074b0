package host

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// lock waits until no other command changes the cluster. The kernel frees the
// lock of a process that is killed.
func lock(l layout.Layout) (unlock func(), err error) { return lockFile(l, l.Lock()) }

func lockFile(l layout.Layout, path string) (unlock func(), err error) {
	if err := os.MkdirAll(l.Root, 0o755); err != nil {
		return nil, fmt.Errorf("making the cluster's folder: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	for {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("locking: %w", err)
	}
	return func() { file.Close() }, nil
}
