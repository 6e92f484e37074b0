package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// facts say what was measured, and on what.
type facts struct {
	Date       time.Time
	Commit     string
	CPU        string
	Cores      int
	Kernel     string
	Go         string
	Congestion string
	Versions   []string
	// Prepared are the engines that can run; Missing says of the others why not.
	Prepared, Missing []string
}

// machineFacts says what is known before anything ran. What cannot be learned
// is said to be unknown: no measurement fails for it.
func machineFacts(ctx context.Context) *facts {
	info, _ := os.ReadFile("/proc/cpuinfo")
	return &facts{
		Date:   time.Now().UTC(),
		Commit: commit(ctx),
		CPU:    cpuModel(string(info)),
		Cores:  runtime.NumCPU(),
		Kernel: output(ctx, "uname", "-r"),
		Go:     runtime.Version(),
		Versions: []string{
			versionOf("nginx", output(ctx, "nginx", "-v")),
			versionOf("HAProxy", output(ctx, "haproxy", "-v")),
			versionOf("wrk", output(ctx, "wrk", "-v")),
			versionOf("h2load", output(ctx, "h2load", "--version")),
			versionOf("gcc", output(ctx, "gcc", "-dumpfullversion")),
		},
	}
}

// commit names the commit, and says when the proxy's sources differ from it.
func commit(ctx context.Context) string {
	name := output(ctx, "git", "rev-parse", "--short=12", "HEAD")
	if output(ctx, "git", "status", "--porcelain", "--", ":/proxy", ":/api", ":/go.mod") != "" {
		name += " with changes that are not committed"
	}
	return name
}

// output is the first line that a command writes. Some say their version on
// stderr, or with an exit status.
func output(ctx context.Context, command ...string) string {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	out, _ := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	return firstLine(string(out))
}

// versionOf finds the version in what a program says of itself: the first word
// that begins with a digit, as it is or after a slash.
func versionOf(name, said string) string {
	for _, word := range strings.Fields(said) {
		word = word[strings.LastIndexByte(word, '/')+1:]
		if word != "" && word[0] >= '0' && word[0] <= '9' {
			return name + " " + word
		}
	}
	return name + " of unknown version"
}

// cpuModel finds the model in /proc/cpuinfo.
func cpuModel(info string) string {
	for line := range strings.Lines(info) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}

const factsFile = "facts.json"

func (f *facts) write(work string) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(work, factsFile), data, 0o644)
}

func readFacts(work string) (*facts, error) {
	data, err := os.ReadFile(filepath.Join(work, factsFile))
	if err != nil {
		return nil, err
	}
	f := &facts{}
	if err := json.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("%s: %w", factsFile, err)
	}
	return f, nil
}
