package long

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Run reports whether the tests run in their long form: FLEETGATE_LONG is set.
func Run() bool { return os.Getenv("FLEETGATE_LONG") != "" }

// N is how often something is done: n, or in the long form much more.
func N(n, long int) int {
	if Run() {
		return long
	}
	return n
}

// Report tells what a test has measured. In the long form, and if the test has
// passed so far, it also writes it to docs/results/<name>.md, with the date, the
// commit and the machine.
func Report(t testing.TB, name string, n int, measured string) {
	t.Helper()
	t.Logf("measured: %s, n = %d: %s", name, n, measured)
	if !Run() || t.Failed() {
		return
	}
	root := strings.TrimSpace(output("git", "rev-parse", "--show-toplevel"))
	text := fmt.Sprintf("# %s\n\n| | |\n|---|---|\n| n | %d |\n| measured | %s |\n| date | %s |\n| commit | %s |\n| machine | %s |\n",
		name, n, measured, time.Now().UTC().Format(time.DateOnly), strings.TrimSpace(output("git", "rev-parse", "HEAD")), machine())
	file := filepath.Join(root, "docs", "results", strings.ReplaceAll(strings.ToLower(name), " ", "-")+".md")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func machine() string {
	return fmt.Sprintf("%d CPUs, Linux %s, %s", runtime.NumCPU(), strings.TrimSpace(output("uname", "-r")), runtime.Version())
}

// output is what a command prints; a result without its commit is still one.
func output(command ...string) string {
	out, err := exec.Command(command[0], command[1:]...).Output()
	if err != nil {
		return "unknown"
	}
	return string(out)
}
