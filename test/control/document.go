package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"
)

// introduction begins the document.
const introduction = `# The control plane beside its peers

    make bench-control

measures on a real Kubernetes that it starts on this machine: API server, etcd, kubelet, operator, proxies and the
measuring program share its cores. The tests are those of gateway-api-bench. The peers' figures are its published ones
(parts 1 and 2 of its report, on 16 cores with 96 GB), the newer where there are two; those with a star were read off its graphs.
They come from another and larger machine: they say which order of magnitude a peer is at.

Each section says when, at which commit, on what and with which flags it was measured. A bar that is missed is shown as
missed. Bars are for the default sizes; the flags say where a run was a smaller one. The load average is that of the minute
before: on a quiet machine it is below 1, and times taken on a busy one say little beside those of the writes themselves.
`

// facts say of which machine and commit figures are.
type facts struct{ commit, cpu, kernel string }

// machineFacts says what is known before anything ran. What cannot be learned is
// said to be unknown: no measurement fails for it.
func machineFacts(ctx context.Context) facts {
	f := facts{commit: output(ctx, "git", "rev-parse", "--short=12", "HEAD"), cpu: "unknown CPU", kernel: output(ctx, "uname", "-r")}
	if output(ctx, "git", "status", "--porcelain", "--", ":/operator", ":/proxy", ":/api", ":/go.mod") != "" {
		f.commit += " with changes that are not committed"
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			f.cpu = strings.TrimSpace(value)
			break
		}
	}
	return f
}

// output is the first line that a command writes, and empty when it fails.
func output(ctx context.Context, command ...string) string {
	out, _ := exec.CommandContext(ctx, command[0], command[1:]...).Output()
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// loadAverage is that of the last minute.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	minute, _, _ := strings.Cut(string(text), " ")
	return minute
}

// text is the section as it stands in the document.
func (s section) text(b *bench, load string, figures []figure) string {
	header := append([]string{"", "bar", "Fleetgate", "verdict"}, peerNames[:]...)
	var rows [][]string
	for _, f := range figures {
		rows = append(rows, f.cells())
	}
	return fmt.Sprintf("## %s\n\n%s\n\nMeasured on %s at commit %s, on %s with %d cores, Linux %s, load average %s before:\n\n    make bench-control ARGS=\"-only %s%s\"\n\n%s",
		s.title, s.about, time.Now().UTC().Format("2006-01-02 15:04 MST"), b.facts.commit, b.facts.cpu, runtime.NumCPU(), b.facts.kernel, load,
		s.name, s.flags(b.options), markdown(header, rows))
}

// markdown aligns the columns, so that the source reads as well as the page.
func markdown(header []string, rows [][]string) string {
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 1)
		}
	}
	rule := make([]string, len(widths))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", width)
	}
	var out strings.Builder
	for _, row := range append([][]string{header, rule}, rows...) {
		for i, cell := range row {
			fmt.Fprintf(&out, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		out.WriteString("|\n")
	}
	return out.String()
}

// enter writes the document anew with one of its sections replaced.
func enter(file, title, text string) error {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, []byte(assemble(string(old), title, text)), 0o644)
}

// assemble puts a section among those that a document has, in the order of
// sections.
func assemble(document, title, text string) string {
	have := map[string]string{}
	for _, part := range strings.Split("\n"+document, "\n## ")[1:] {
		name, _, _ := strings.Cut(part, "\n")
		have[name] = "## " + strings.TrimSpace(part) + "\n"
	}
	have[title] = strings.TrimSpace(text) + "\n"
	out := introduction
	for _, s := range sections() {
		if part, ok := have[s.title]; ok {
			out += "\n" + part
		}
	}
	return out
}
