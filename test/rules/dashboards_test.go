package rules

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/internal/observe"
)

func readPanels(t *testing.T) []observe.Panel {
	t.Helper()
	panels, err := observe.Panels(root + "/config/prometheus/dashboards")
	if err != nil {
		t.Fatal(err)
	}
	return panels
}

// Every query of a dashboard is one that Prometheus can parse, which it checks as if each
// were a rule.
func TestDashboardsAskWhatCanBeAsked(t *testing.T) {
	group := monitoringv1.RuleGroup{Name: "queries"}
	for i, panel := range readPanels(t) {
		group.Rules = append(group.Rules, monitoringv1.Rule{
			Record: fmt.Sprintf("query:%d", i), Expr: intstr.FromString(panel.For("tenant", "web")),
		})
	}
	content, err := yaml.Marshal(monitoringv1.PrometheusRuleSpec{Groups: []monitoringv1.RuleGroup{group}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "queries.yaml")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool(t), "check", "rules", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What rules, dashboards and runbooks read is exported, or recorded.
func TestNothingReadsWhatIsNotThere(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[string]bool{}
	queries := map[string]string{}
	for _, group := range readRules(t).Spec.Groups {
		for i := range group.Rules {
			recorded[group.Rules[i].Record] = true
			queries[group.Rules[i].Record+group.Rules[i].Alert] = group.Rules[i].Expr.String()
		}
	}
	for _, panel := range readPanels(t) {
		queries[panel.Dashboard+", "+panel.Title+", "+panel.Query] = panel.Query
	}
	steps, err := observe.Runbooks(root + "/docs/runbooks")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if step.Query {
			queries[step.Page+", "+step.Text] = step.Text
		}
	}
	metric := regexp.MustCompile(`[a-z_:]*fleetgate_[a-z0-9_:]+`)
	for where, query := range queries {
		for _, name := range metric.FindAllString(query, -1) {
			base := strings.TrimSuffix(name, "_bucket")
			if !recorded[name] && !bytes.Contains(page, []byte("| `"+base+"` |")) {
				t.Errorf("%s reads %s, which nothing exports", where, name)
			}
		}
	}
}
