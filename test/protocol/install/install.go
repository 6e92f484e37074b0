package install

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Python is the interpreter that Debian's packages of modules belong to; another
// one may come first in PATH.
const Python = "/usr/bin/python3"

// Programs installs the Debian packages whose programs are missing. Daemons among
// them are not started.
func Programs(t testing.TB, packages map[string]string) {
	t.Helper()
	var missing []string
	for program, names := range packages {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, strings.Fields(names)...)
		}
	}
	debian(t, missing)
}

// PythonModules installs the Debian packages whose modules Python cannot import.
func PythonModules(t testing.TB, packages map[string]string) {
	t.Helper()
	var missing []string
	for module, name := range packages {
		if exec.Command(Python, "-c", "import "+module).Run() != nil {
			missing = append(missing, name)
		}
	}
	debian(t, missing)
}

func debian(t testing.TB, packages []string) {
	t.Helper()
	if len(packages) == 0 {
		return
	}
	slices.Sort(packages)
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		t.Fatalf("missing programs; install: %s", strings.Join(packages, " "))
	}
	cmd := exec.Command("apt-get", append([]string{"-o", "DPkg::Lock::Timeout=120", "install", "-y", "-q", "--no-install-recommends"}, packages...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("installing %s: %v\n%s", strings.Join(packages, " "), err, out)
	}
}

// Node returns a folder in whose node_modules the npm package is, in that very
// version. It lies in the user's cache, so that it is fetched once.
func Node(t testing.TB, name, version string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "fleetgate", "npm", name+"-"+version)
	if _, err := os.Stat(filepath.Join(dir, "node_modules", name, "package.json")); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", fmt.Sprintf("%s@%s", name, version))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("installing %s: %v\n%s", name, err, out)
	}
	return dir
}
