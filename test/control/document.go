package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/measure"
)

// introduction begins the document.
const introduction = `# The control plane beside its peers

    make bench-control

measures on a real Kubernetes that it starts on this machine: API server, etcd, kubelet, operator, proxies and the
measuring program share its cores. The tests are those of gateway-api-bench. The peers' figures are its published ones
(parts 1 and 2 of its report, on 16 cores with 96 GB), the newer where there are two; those with a star were read off its graphs.
They come from another and larger machine: they say which order of magnitude a peer is at.

Each section says when, at which commit, on what and with which flags it was measured. A bar that is missed is shown as
missed. Bars are for the default sizes; the flags say where a run was a smaller one. Where there is a goal beside a bar, the bar
is for machines of two cores, which all that is measured shares, and the goal for larger ones. The load average is that of the minute
before: on a quiet machine it is below 1, and times taken on a busy one say little beside those of the writes themselves.
`

// text is the section as it stands in the document.
func (s section) text(b *bench, load string, figures []figure) string {
	header := append([]string{"", "bar", "Fleetgate", "verdict"}, peerNames[:]...)
	var rows [][]string
	for _, f := range figures {
		rows = append(rows, f.cells())
	}
	return fmt.Sprintf("## %s\n\n%s\n\nMeasured on %s at commit %s, on %s with %d cores, Linux %s, load average %s before:\n\n    make bench-control ARGS=\"-only %s%s\"\n\n%s",
		s.title, s.about, time.Now().UTC().Format("2006-01-02 15:04 MST"), b.commit, b.machine.CPU, b.machine.Cores, b.machine.Kernel, load,
		s.name, s.flags(b.options), measure.Table(header, rows))
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
