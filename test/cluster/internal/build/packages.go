package build

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Package is a package of the machine's distribution.
type Package struct {
	// Name is what Debian calls it.
	Name string
	// Present reports whether what we need of it is there. The files are
	// looked for, not the package: another distribution may have them too.
	Present func() bool
}

// RuntimePackages are what a running cluster needs, and what tests cut connections by.
func RuntimePackages() []Package {
	return []Package{
		{Name: "iproute2", Present: program("ss")},
		{Name: "nftables", Present: program("nft")},
		{Name: "mount", Present: program("mount")},
	}
}

// packagesFor returns what building the targets needs.
func packagesFor(targets []target) []Package {
	if !slices.ContainsFunc(targets, func(t target) bool { return t.CGO }) {
		return nil
	}
	return []Package{
		{Name: "gcc", Present: program("gcc")},
		{Name: "libc6-dev", Present: anyFile("/usr/lib/*/libc.a", "/usr/lib64/libc.a", "/usr/lib/libc.a")},
		{Name: "pkg-config", Present: program("pkg-config")},
		{Name: "libseccomp-dev", Present: anyFile("/usr/lib/*/libseccomp.a", "/usr/lib64/libseccomp.a", "/usr/lib/libseccomp.a")},
	}
}

func program(name string) func() bool {
	return func() bool {
		_, err := exec.LookPath(name)
		return err == nil
	}
}

func anyFile(patterns ...string) func() bool {
	return func() bool {
		for _, p := range patterns {
			if found, err := filepath.Glob(p); err == nil && len(found) > 0 {
				return true
			}
		}
		return false
	}
}

// EnsurePackages installs the packages that are missing if that is possible
// here, which takes Debian and root; otherwise the error says what to do.
func EnsurePackages(ctx context.Context, progress *Progress, wanted []Package) error {
	missing := missingPackages(wanted)
	if len(missing) == 0 {
		return nil
	}
	command := "apt-get install -y --no-install-recommends " + strings.Join(missing, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("packages are missing; install them with:\n  sudo %s", command)
	}
	progress.Say("Installing %s", strings.Join(missing, ", "))
	if err := install(ctx, missing); err != nil {
		return fmt.Errorf("installing packages (%s): %w", command, err)
	}
	if still := missingPackages(wanted); len(still) > 0 {
		return fmt.Errorf("installed, but still missing: %s", strings.Join(still, ", "))
	}
	return nil
}

func missingPackages(wanted []Package) []string {
	var names []string
	for _, p := range wanted {
		if !p.Present() {
			names = append(names, p.Name)
		}
	}
	return names
}

// install tries with the package lists as they are, and once more with new
// ones: fresh machines often have none.
func install(ctx context.Context, names []string) error {
	args := append([]string{"install", "-y", "--no-install-recommends"}, names...)
	if _, err := apt(ctx, args...); err == nil {
		return nil
	}
	if out, err := apt(ctx, "update"); err != nil {
		return fmt.Errorf("updating the package lists: %w\n%s", err, out)
	}
	if out, err := apt(ctx, args...); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func apt(ctx context.Context, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "apt-get", args...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return command.CombinedOutput()
}
