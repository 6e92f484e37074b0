package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// facts say when, of what and on what was measured.
type facts struct {
	date        time.Time
	commit      string
	cpu, kernel string
	cores       int
	goVersion   string
	memory      string
}

func machineFacts(ctx context.Context) facts {
	return facts{
		date: time.Now().UTC(), commit: commit(ctx),
		cpu: field("/proc/cpuinfo", "model name"), kernel: output(ctx, "uname", "-r"),
		cores: runtime.NumCPU(), goVersion: runtime.Version(), memory: field("/proc/meminfo", "MemTotal"),
	}
}

// commit names the commit, and says when the sources of what is measured differ
// from it.
func commit(ctx context.Context) string {
	name := output(ctx, "git", "rev-parse", "--short=12", "HEAD")
	if output(ctx, "git", "status", "--porcelain", "--", ":/operator", ":/proxy", ":/bpf", ":/api", ":/go.mod", ":/config") != "" {
		name += " with changes that are not committed"
	}
	return name
}

// output is what a command prints; a result without it is still one.
func output(ctx context.Context, command ...string) string {
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// field is the first value of a name in a file of /proc.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
