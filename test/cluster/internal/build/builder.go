package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// Builder compiles components.
type Builder struct {
	// Sources is the folder with one folder for each component.
	Sources string
	Layout  layout.Layout
	// Progress is told what goes on.
	Progress *Progress
}

// Built maps each binary's name to its file.
type Built map[string]string

// FindSources returns the folder of the components' modules, looking from the
// working folder upward.
func FindSources() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the sources: %w", err)
	}
	for d := folder; ; d = filepath.Dir(d) {
		for _, below := range []string{"cluster/components", "test/cluster/components"} {
			candidate := filepath.Join(d, below)
			if _, err := os.Stat(filepath.Join(candidate, "kube", "go.mod")); err == nil {
				return candidate, nil
			}
		}
		if d == filepath.Dir(d) {
			return "", errors.New("the components' sources are not here: run this within the repository")
		}
	}
}

// All returns the binaries of the components, compiling those that are not in
// the cache.
func (b *Builder) All(ctx context.Context, components []Component) (Built, error) {
	targets, missing, err := b.plan(components)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		if err := EnsurePackages(ctx, b.Progress, packagesFor(missing)); err != nil {
			return nil, err
		}
	}
	b.Progress.Begin(len(missing))
	for _, t := range missing {
		if err := b.compile(ctx, t); err != nil {
			return nil, err
		}
	}
	b.Progress.End()
	built := Built{}
	for _, t := range targets {
		for name := range t.Binaries {
			built[name] = filepath.Join(t.folder, name)
		}
	}
	return built, nil
}

// target is a component with what is known of this build of it.
type target struct {
	Component
	version string
	folder  string
}

func (b *Builder) plan(components []Component) (all, missing []target, err error) {
	for _, c := range components {
		version, err := c.version(b.Sources)
		if err != nil {
			return nil, nil, err
		}
		key, err := c.key(b.Sources)
		if err != nil {
			return nil, nil, err
		}
		t := target{Component: c, version: version, folder: b.Layout.Cached(c.Name, key)}
		all = append(all, t)
		if _, err := os.Stat(t.folder); err != nil {
			missing = append(missing, t)
		}
	}
	return all, missing, nil
}

// compile fills the target's folder. A build that is killed leaves a folder
// with another name, which the next one of the same component removes.
func (b *Builder) compile(ctx context.Context, t target) error {
	temporary, err := b.temporaryFolder(t)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	done := b.Progress.Step(strings.TrimSpace(t.Title + " " + t.version))
	defer done()
	for _, name := range t.binaryNames() {
		args := t.arguments(t.version, t.Binaries[name], filepath.Join(temporary, name))
		if err := b.run(ctx, t, args); err != nil {
			return fmt.Errorf("building %s: %w", name, err)
		}
	}
	if err := os.Rename(temporary, t.folder); err != nil {
		return fmt.Errorf("placing %s: %w", t.Name, err)
	}
	return nil
}

func (b *Builder) temporaryFolder(t target) (string, error) {
	if err := os.MkdirAll(b.Layout.Root, 0o755); err != nil {
		return "", fmt.Errorf("making the cache folder: %w", err)
	}
	// The caller holds the cluster's lock: whatever has such a name is the
	// rest of a build that was killed.
	old, err := filepath.Glob(filepath.Join(b.Layout.Root, "."+t.Name+".*"))
	if err != nil {
		return "", err
	}
	for _, folder := range old {
		if err := os.RemoveAll(folder); err != nil {
			return "", fmt.Errorf("removing an unfinished build: %w", err)
		}
	}
	return os.MkdirTemp(b.Layout.Root, "."+t.Name+".")
}

// run calls the Go tool. Its output is shown only if it fails.
func (b *Builder) run(ctx context.Context, t target, args []string) error {
	// The death signal is sent when the thread that started the child ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = filepath.Join(b.Sources, t.Name)
	command.Env = append(os.Environ(), t.environment()...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 5 * time.Second
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, output.String())
	}
	return nil
}
