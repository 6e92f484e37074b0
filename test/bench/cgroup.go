package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// ownCgroup moves the processes of a proxy to a cgroup of their own, so that the
// connections of load generator and backend are not counted with its own. They leave
// it by their ends, after which the returned function removes it.
func ownCgroup(pids []int) (remove func(), err error) {
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(mount, "cgroup.controllers")); err != nil {
			continue
		}
		dir, err := os.MkdirTemp(mount, "fleetgate-bench-")
		if err != nil {
			return nil, fmt.Errorf("making a cgroup: %w", err)
		}
		// Nothing more can be done about one that stays.
		remove = func() { _ = os.Remove(dir) }
		for _, pid := range pids {
			if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
				remove()
				return nil, fmt.Errorf("moving the proxy to a cgroup: %w", err)
			}
		}
		return remove, nil
	}
	return nil, errors.New("no cgroup v2 hierarchy is mounted")
}
