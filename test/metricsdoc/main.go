package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	root := flag.String("root", "..", "folder of the repository")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "metricsdoc:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	var parts []part
	for _, p := range programs() {
		metrics, err := read(filepath.Join(root, p.file))
		if err != nil {
			return err
		}
		if len(metrics) == 0 {
			return fmt.Errorf("%s describes no metrics", p.file)
		}
		slices.SortFunc(metrics, func(a, b metric) int { return cmp.Compare(a.name, b.name) })
		p.metrics = metrics
		parts = append(parts, p)
	}
	return os.WriteFile(filepath.Join(root, "docs/reference/metrics.md"), []byte(page(parts)), 0o644)
}

// part is what one program exports.
type part struct {
	title, file, about string
	metrics            []metric
}

func programs() []part {
	return []part{
		{title: "Proxies", file: "proxy/internal/metrics/names.go",
			about: "Each proxy serves them on port 19000 of its pod, which no public Service has."},
		{title: "Sensors", file: "bpf/internal/collect/descriptions.go",
			about: "Each sensor serves them on port 19002 of its proxy's pod. They are counted in the kernel."},
		{title: "Agents of nodes", file: "bpf/internal/agent/metrics.go",
			about: "Where `config/node-agent` is installed, the agent of each node serves them on port 19004 of its pod."},
		{title: "Operator", file: "operator/internal/metrics/metrics.go",
			about: "The operator serves them by TLS on port 8443, to whoever may read `/metrics`; those of controller-runtime stand beside them."},
	}
}
