package host

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/fleetgate/fleetgate/test/cluster/internal/build"
	"github.com/fleetgate/fleetgate/test/cluster/internal/node"
)

// BuildOnly fills the cache, so that the next Up has nothing to build.
func (h *Host) BuildOnly(ctx context.Context) error {
	unlock, err := lock(h.Layout)
	if err != nil {
		return err
	}
	defer unlock()
	_, _, err = h.Build(ctx, build.NewProgress(h.Out))
	return err
}

// Load imports an image archive into the node. Pods that ask for one of its
// names get the new image from then on.
func (h *Host) Load(ctx context.Context, archive string) error {
	// The working folder may be one that the cluster sees differently, but
	// relative paths are relative to it all the same.
	path, err := filepath.Abs(archive)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the archive: %w", err)
	}
	defer file.Close()
	// Read from a descriptor: the archive may lie where the cluster has
	// folders of its own, below /run, say.
	args := node.ImportCommand("-")
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Stdin = file
	if err := h.runQuietly(command); err != nil {
		return fmt.Errorf("loading %s: %w", archive, err)
	}
	return nil
}

// InstallCRDs applies the Gateway API's resource definitions of a channel,
// "standard" or "experimental", in the version that this module requires.
func (h *Host) InstallCRDs(ctx context.Context, channel string) error {
	if err := h.Running(); err != nil {
		return err
	}
	sources, err := build.FindSources()
	if err != nil {
		return err
	}
	folder, err := moduleFolder(ctx, filepath.Dir(sources), "sigs.k8s.io/gateway-api")
	if err != nil {
		return err
	}
	// Only these: a kustomization lies beside them.
	manifests, err := filepath.Glob(filepath.Join(folder, "config", "crd", channel, "gateway.networking*.yaml"))
	if err != nil || len(manifests) == 0 {
		return fmt.Errorf("the Gateway API has no channel %q", channel)
	}
	return h.applyDefinitions(ctx, manifests)
}

// moduleFolder finds the folder of a module that the one in a folder requires, and
// downloads it if it is not there: what was built of it may come from a cache.
func moduleFolder(ctx context.Context, requiring, module string) (string, error) {
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	download.Dir = requiring
	download.Stderr = os.Stderr
	out, err := download.Output()
	var found struct{ Dir string }
	if err == nil {
		err = json.Unmarshal(out, &found)
	}
	if err != nil {
		return "", fmt.Errorf("finding the module %s: %w", module, err)
	}
	return found.Dir, nil
}

// applyDefinitions applies files with CRDs, and waits until they are served.
func (h *Host) applyDefinitions(ctx context.Context, manifests []string) error {
	apply := exec.CommandContext(ctx, "kubectl", "apply", "--server-side", "--filename="+strings.Join(manifests, ","))
	if err := h.runQuietly(apply); err != nil {
		return fmt.Errorf("applying the definitions: %w", err)
	}
	wait := exec.CommandContext(ctx, "kubectl", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	if err := h.runQuietly(wait); err != nil {
		return fmt.Errorf("waiting for the definitions: %w", err)
	}
	return nil
}

// runQuietly shows what a command says only if it fails.
func (h *Host) runQuietly(command *exec.Cmd) error {
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := h.Run(command); err != nil {
		return fmt.Errorf("%w\n%s", err, output.String())
	}
	return nil
}
