package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/internal/build"
	"github.com/fleetgate/fleetgate/test/cluster/internal/config"
	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
	"github.com/fleetgate/fleetgate/test/cluster/internal/node"
	"github.com/fleetgate/fleetgate/test/cluster/internal/pki"
)

// Host is the machine that the cluster runs on.
type Host struct {
	Layout layout.Layout
	// Out is told what goes on.
	Out *os.File
}

// UpOptions are the choices of Up.
type UpOptions struct {
	// Keep starts from the state that the cluster had before, if there is
	// any.
	Keep bool
}

// Up builds what is missing, starts the cluster and waits until it is ready.
// If the cluster is up, or another process is starting it, Up only waits.
func (h *Host) Up(ctx context.Context, o UpOptions) error {
	start := time.Now()
	if os.Geteuid() != 0 {
		return errors.New("the cluster needs root: it makes namespaces, mounts and cgroups")
	}
	unlock, err := lock(h.Layout)
	if err != nil {
		return err
	}
	defer unlock()
	if r, err := readRecord(h.Layout); err == nil && r.alive() {
		if err := h.awaitReady(ctx, r, io.Discard); err != nil {
			return err
		}
		fmt.Fprintln(h.Out, "The cluster is up already")
		return nil
	}
	progress := build.NewProgress(h.Out)
	if err := build.EnsurePackages(ctx, progress, build.RuntimePackages()); err != nil {
		return err
	}
	built, archive, err := h.Build(ctx, progress)
	if err != nil {
		return err
	}
	started := time.Now()
	if err := h.clear(o.Keep); err != nil {
		return err
	}
	if err := h.prepare(built, archive); err != nil {
		return err
	}
	if err := h.start(ctx); err != nil {
		// The logs stay; nothing else of a cluster that is not ready does.
		return errors.Join(err, h.sweep())
	}
	fmt.Fprintf(h.Out, "The cluster is up: %.1fs (started in %.1fs)\n", time.Since(start).Seconds(), time.Since(started).Seconds())
	return nil
}

// start makes the namespaces and waits until the cluster in them is ready.
func (h *Host) start(ctx context.Context) error {
	if err := createNetwork(); err != nil {
		return err
	}
	if err := startLauncher(h.Layout); err != nil {
		return err
	}
	r, err := readRecord(h.Layout)
	if err != nil {
		return err
	}
	return h.awaitReady(ctx, r, h.Out)
}

// clear removes what an earlier run has left, and its state unless that is to
// be kept.
func (h *Host) clear(keep bool) error {
	if err := h.sweep(); err != nil {
		return err
	}
	if keep {
		return nil
	}
	if err := os.RemoveAll(h.Layout.State()); err != nil {
		return fmt.Errorf("removing old state: %w", err)
	}
	return nil
}

// prepare fills the folders that the cluster will see.
func (h *Host) prepare(built build.Built, archive string) error {
	l := h.Layout
	for _, folder := range []string{l.Bin(), l.Images(), l.Logs()} {
		if err := os.RemoveAll(folder); err != nil {
			return fmt.Errorf("emptying %s: %w", folder, err)
		}
	}
	for _, folder := range []string{l.Bin(), l.Etc(), l.Logs(), l.Images(), l.VarLog(), l.Lib()} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("making %s: %w", folder, err)
		}
	}
	if err := linkBinaries(l.Bin(), built); err != nil {
		return err
	}
	if err := os.Link(archive, filepath.Join(l.Images(), "base.tar")); err != nil {
		return fmt.Errorf("placing the images: %w", err)
	}
	if err := config.Write(l.Etc()); err != nil {
		return err
	}
	return ensureKeys(l)
}

// kubeNames are the programs within the kube binary.
var kubeNames = []string{
	"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl", "lb",
}

func linkBinaries(folder string, built build.Built) error {
	links := map[string]string{}
	for name, path := range built {
		links[name] = path
	}
	for _, name := range kubeNames {
		links[name] = built["kube"]
	}
	for name, path := range links {
		if err := os.Symlink(path, filepath.Join(folder, name)); err != nil {
			return fmt.Errorf("linking %s: %w", name, err)
		}
	}
	return nil
}

// ensureKeys makes the keys unless the kept state has them: what etcd holds
// was signed with those.
func ensureKeys(l layout.Layout) error {
	if _, err := os.Stat(l.Kubeconfig()); err == nil {
		return nil
	}
	files, err := pki.New(pki.Options{
		Server:        layout.APIServer,
		NodeName:      layout.NodeName,
		NodeIP:        layout.NodeIP,
		ServiceIP:     layout.ServiceIP,
		ClusterDomain: layout.ClusterDomain,
		Now:           time.Now(),
	})
	if err != nil {
		return err
	}
	return files.Write(l.PKI())
}

// awaitReady copies the timeline to out until the cluster is ready.
func (h *Host) awaitReady(ctx context.Context, r record, out io.Writer) error {
	var told int
	for {
		// Looked at before the timeline is read, so that the last words of an
		// init that ends are not missed.
		alive := r.alive()
		content, err := os.ReadFile(h.Layout.Timeline())
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("reading the timeline: %w", err)
		}
		for line := range bytes.Lines(content[told:]) {
			if !bytes.HasSuffix(line, []byte("\n")) {
				break
			}
			told += len(line)
			text := strings.TrimSpace(string(line))
			if text == node.Ready {
				return nil
			}
			if reason, failed := strings.CutPrefix(text, node.Failed+" "); failed {
				return fmt.Errorf("the cluster did not start: %s\nLogs are in %s", reason, h.Layout.Logs())
			}
			fmt.Fprintln(out, string(bytes.TrimRight(line, "\n")))
		}
		if !alive {
			return fmt.Errorf("the cluster's init ended%s", tail(h.Layout.Logs()+"/init.log"))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// tail returns a log's last lines, to be added to a message.
func tail(path string) string {
	content, err := os.ReadFile(path)
	if err != nil || len(content) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return ":\n" + strings.Join(lines[max(0, len(lines)-10):], "\n")
}
