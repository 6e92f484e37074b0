package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/test/cluster/internal/cgroup"
	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

const (
	// gracefulWithin bounds an orderly stop, which only kept state needs.
	gracefulWithin = 30 * time.Second

	// goneWithin is how long the kernel may take to end what was killed.
	goneWithin = 20 * time.Second

	// collectedWithin is how long the machine's own init may take to collect
	// the cluster's.
	collectedWithin = 2 * time.Second
)

// DownOptions are the choices of Down.
type DownOptions struct {
	// Keep leaves the state for the next Up.
	Keep bool
}

// Down ends the cluster and removes everything of it but the cache of builds.
// It does the same for what a killed run left, and nothing if there is
// nothing.
func (h *Host) Down(ctx context.Context, o DownOptions) error {
	start := time.Now()
	unlock, err := lock(h.Layout)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := readRecord(h.Layout)
	wasUp := err == nil && r.alive()
	if wasUp && o.Keep {
		if err := h.stopGracefully(ctx, r); err != nil {
			return err
		}
	}
	if err := h.clear(o.Keep); err != nil {
		return err
	}
	if !wasUp {
		fmt.Fprintln(h.Out, "The cluster is not up")
		return nil
	}
	fmt.Fprintf(h.Out, "The cluster is down: %.1fs\n", time.Since(start).Seconds())
	return nil
}

// stopGracefully lets etcd and containerd write what they have.
func (h *Host) stopGracefully(ctx context.Context, r record) error {
	if err := r.signal(unix.SIGTERM); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, gracefulWithin)
	defer cancel()
	for r.alive() && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// sweep removes processes, network, cgroups and the record of an earlier run,
// in whatever state that is.
func (h *Host) sweep() error {
	folders, err := cgroup.Folders(layout.Name)
	if err != nil {
		return err
	}
	r, err := readRecord(h.Layout)
	switch {
	case err == nil:
		folders = append(folders, r.Cgroups...)
		if err := r.signal(unix.SIGKILL); err != nil {
			return err
		}
	case !errors.Is(err, ErrDown):
		return err
	}
	deadline := time.Now().Add(goneWithin)
	if err := killAll(deadline); err != nil {
		return err
	}
	r.awaitEnd(time.Now().Add(collectedWithin))
	if err := removeNetwork(); err != nil {
		return err
	}
	if err := cgroup.Remove(folders, deadline); err != nil {
		return err
	}
	if err := os.Remove(h.Layout.InitRecord()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing the init record: %w", err)
	}
	return nil
}

// killAll ends the processes of a cluster that no record knows of, and waits
// until all are gone.
func killAll(deadline time.Time) error {
	for {
		pids, err := clusterProcesses()
		if err != nil || len(pids) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v of the cluster do not end", pids)
		}
		for _, pid := range pids {
			if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("ending process %d: %w", pid, err)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// clusterProcesses returns the processes that are in the cluster's network
// namespace and in another PID namespace than this process. The second leaves
// out the machine's own processes that only look into the network.
func clusterProcesses() ([]int, error) {
	network, err := os.Stat(networkPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking at the network namespace: %w", err)
	}
	own, err := os.Stat("/proc/self/ns/pid")
	if err != nil {
		return nil, fmt.Errorf("looking at the own PID namespace: %w", err)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		namespaces := filepath.Join("/proc", e.Name(), "ns")
		if inNamespace(namespaces, "net", network) && !inNamespace(namespaces, "pid", own) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// inNamespace reports whether a process's link leads to the namespace. Of a
// process that has ended, none does.
func inNamespace(folder, kind string, namespace os.FileInfo) bool {
	info, err := os.Stat(filepath.Join(folder, kind))
	return err == nil && os.SameFile(info, namespace)
}
