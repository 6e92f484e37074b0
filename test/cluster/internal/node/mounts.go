package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/test/cluster/internal/cgroup"
	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// sysctls are machine-wide settings that the kubelet would change. It reads
// them first and writes nothing if they have the value that it wants, so that
// it is shown files with those values.
var sysctls = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// setUpMounts gives the cluster its own view of the machine: its own /run,
// /var/lib, /var/log, /proc, /sys and cgroups. All mounts go with the
// namespace.
func setUpMounts(l layout.Layout) error {
	// Private first, so that nothing gets out; then shared among the mount
	// namespaces of the pods, as volumes with mount propagation want it.
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return err
	}
	for _, step := range []func(layout.Layout) error{mountFolders, mountKernel, mountEtc, maskSysctls} {
		if err := step(l); err != nil {
			return err
		}
	}
	return nil
}

// mountFolders puts the cluster's folders at their fixed paths.
func mountFolders(l layout.Layout) error {
	// /run is empty for the cluster: no socket of the machine's own services
	// (a container runtime's, say) may be mistaken for one of the cluster's.
	if err := mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return err
	}
	if err := os.MkdirAll("/run/lock", 0o755); err != nil {
		return err
	}
	for _, b := range []struct{ from, to string }{
		{l.Bin(), layout.InBin},
		{l.Etc(), layout.InEtc},
		{l.Logs(), layout.InLogs},
		{l.Images(), layout.InImages},
		{l.VarLog(), "/var/log"},
		// Last: it may hide the folders above.
		{l.Lib(), layout.InLib},
	} {
		if err := os.MkdirAll(b.to, 0o755); err != nil {
			return err
		}
		if err := mount(b.from, b.to, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}

// mountKernel mounts the kernel's filesystems anew, so that they show the
// cluster's namespaces.
func mountKernel(layout.Layout) error {
	if err := mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	hierarchies, err := cgroup.Own()
	if err != nil {
		return err
	}
	// Old mounts of the hierarchies would show the machine's whole tree
	// beside ours and confuse runc.
	if err := unmountAll("/sys/fs/cgroup"); err != nil {
		return err
	}
	if err := mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	if err := cgroup.MountAll(hierarchies); err != nil {
		return err
	}
	if err := mount("bpf", "/sys/fs/bpf", "bpf", 0, ""); err != nil {
		return err
	}
	// Not every kernel has these two; only tracing in pods would miss them.
	for _, fs := range []struct{ kind, path string }{
		{"debugfs", "/sys/kernel/debug"},
		{"tracefs", "/sys/kernel/tracing"},
	} {
		if err := mount(fs.kind, fs.path, fs.kind, 0, ""); err != nil && !missing(err) {
			return err
		}
	}
	return nil
}

func missing(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT)
}

// mountEtc gives the cluster its own name resolution.
func mountEtc(layout.Layout) error {
	for _, f := range []struct{ path, content string }{
		{"/etc/hosts", "127.0.0.1 localhost\n" + layout.NodeIP + " " + layout.NodeName + "\n"},
		{"/etc/resolv.conf", "nameserver " + layout.DNSIP + "\nsearch svc." + layout.ClusterDomain + " " + layout.ClusterDomain + "\n"},
	} {
		source := filepath.Join("/run", filepath.Base(f.path))
		if err := maskFile(source, f.path, f.content); err != nil {
			return err
		}
	}
	return nil
}

func maskSysctls(layout.Layout) error {
	if err := os.MkdirAll("/run/sysctl", 0o755); err != nil {
		return err
	}
	for name, value := range sysctls {
		source := filepath.Join("/run/sysctl", strings.ReplaceAll(name, "/", "_"))
		if err := maskFile(source, filepath.Join("/proc/sys", name), value+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// maskFile shows a file of our own in the place of another. A target that
// does not exist needs no mask.
func maskFile(source, target, content string) error {
	if err := os.WriteFile(source, []byte(content), 0o644); err != nil {
		return err
	}
	// A mount follows symbolic links, which may lead into the old /run.
	resolved, err := filepath.EvalSymlinks(target)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return mount(source, resolved, "", unix.MS_BIND, "")
}

// unmountAll unmounts everything at and below the path, innermost first.
func unmountAll(path string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var points []string
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 4 && within(fields[4], path) {
			points = append(points, fields[4])
		}
	}
	for i := len(points) - 1; i >= 0; i-- {
		if err := unix.Unmount(points[i], unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmounting %s: %w", points[i], err)
		}
	}
	return nil
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("mounting %s: %w", target, err)
	}
	return nil
}
