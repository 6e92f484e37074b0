package observe

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Panel is one query of a dashboard.
type Panel struct {
	Dashboard, Title, Query string
}

// Panels reads the queries of all dashboards of a folder, in the order of the files and
// of the panels within them.
func Panels(folder string) ([]Panel, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no dashboards in %s", folder)
	}
	slices.Sort(files)
	var all []Panel
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a dashboard: %w", err)
		}
		var d dashboard
		if err := json.Unmarshal(content, &d); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		all = append(all, d.queries()...)
	}
	return all, nil
}

// dashboard is what of Grafana's model holds queries.
type dashboard struct {
	Title      string
	Panels     []panel
	Templating struct{ List []variable }
}

type panel struct {
	Title   string
	Targets []struct{ Expr string }
	Panels  []panel
}

type variable struct {
	Name, Type string
	Query      json.RawMessage
}

func (d *dashboard) queries() []Panel {
	var all []Panel
	for _, v := range d.Templating.List {
		if query := v.metric(); query != "" {
			all = append(all, Panel{d.Title, "variable " + v.Name, query})
		}
	}
	var walk func([]panel)
	walk = func(panels []panel) {
		for _, p := range panels {
			for _, target := range p.Targets {
				all = append(all, Panel{d.Title, p.Title, target.Expr})
			}
			walk(p.Panels)
		}
	}
	walk(d.Panels)
	return all
}

// metric is the one whose labels a variable has the values of, which it names as
// label_values(metric, label).
func (v *variable) metric() string {
	var query string
	if v.Type != "query" || json.Unmarshal(v.Query, &query) != nil {
		return ""
	}
	inner, ok := strings.CutPrefix(query, "label_values(")
	if !ok {
		return ""
	}
	return inner[:strings.LastIndex(inner, ",")]
}

// For returns the query as Grafana sends it for one Gateway.
func (p Panel) For(namespace, gateway string) string {
	return strings.NewReplacer(
		"$namespace", namespace, "$gateway", gateway,
		"$__rate_interval", "1m", "$__range", "5m",
	).Replace(p.Query)
}
