package measure

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// unknown stands for what cannot be learned: no measurement fails for it.
const unknown = "unknown"

// Machine says on what was measured.
type Machine struct {
	CPU, Kernel, Memory string
	Cores               int
}

// ThisMachine reads that from /proc.
func ThisMachine() Machine {
	return Machine{
		CPU: field("/proc/cpuinfo", "model name"), Memory: field("/proc/meminfo", "MemTotal"),
		Kernel: line("/proc/sys/kernel/osrelease"), Cores: runtime.NumCPU(),
	}
}

// field is the first value of a name in a file.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return unknown
}

func line(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return unknown
	}
	return strings.TrimSpace(string(text))
}

// LoadAverage is that of the last minute.
func LoadAverage() string {
	minute, _, _ := strings.Cut(line("/proc/loadavg"), " ")
	return minute
}

// Commit names the commit, and says when the sources of what is measured, folders and
// files from the root of the repository, differ from it.
func Commit(ctx context.Context, sources ...string) string {
	arguments := []string{"status", "--porcelain", "--"}
	for _, source := range sources {
		arguments = append(arguments, ":/"+source)
	}
	name := git(ctx, "rev-parse", "--short=12", "HEAD")
	if git(ctx, arguments...) != "" {
		name += " with changes that are not committed"
	}
	return name
}

func git(ctx context.Context, arguments ...string) string {
	out, err := exec.CommandContext(ctx, "git", arguments...).Output()
	if err != nil {
		return unknown
	}
	return strings.TrimSpace(string(out))
}
