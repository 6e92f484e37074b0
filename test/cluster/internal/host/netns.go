package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// namedNetworks is where `ip netns` looks for network namespaces.
const namedNetworks = "/run/netns"

func networkPath() string { return filepath.Join(namedNetworks, layout.Name) }

// createNetwork makes an empty network namespace and gives it the cluster's
// name, so that it exists without a process in it.
func createNetwork() error {
	if err := os.MkdirAll(namedNetworks, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", namedNetworks, err)
	}
	if err := os.WriteFile(networkPath(), nil, 0o444); err != nil {
		return fmt.Errorf("making the network namespace's file: %w", err)
	}
	return onOwnThread(func() error { return unshareNetwork(networkPath()) })
}

func unshareNetwork(path string) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("making a network namespace: %w", err)
	}
	own := fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())
	if err := unix.Mount(own, path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("naming the network namespace: %w", err)
	}
	return nil
}

// removeNetwork takes the name away. The namespace goes with its last process
// and socket.
func removeNetwork() error {
	// More than one mount lies here if a name was given twice.
	for unix.Unmount(networkPath(), unix.MNT_DETACH) == nil {
	}
	if err := os.Remove(networkPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the network namespace's name: %w", err)
	}
	return nil
}
