package rules

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/internal/observe"
)

const root = "../.."

func readRules(t *testing.T) *monitoringv1.PrometheusRule {
	t.Helper()
	content, err := os.ReadFile(root + "/config/prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rule := &monitoringv1.PrometheusRule{}
	if err := yaml.UnmarshalStrict(content, rule); err != nil {
		t.Fatal(err)
	}
	return rule
}

// promtool is Prometheus' tool, which is built the first time.
func promtool(t *testing.T) string {
	t.Helper()
	build := exec.CommandContext(t.Context(), "go", "run", "./cluster", "promtool")
	build.Dir = ".."
	build.Stderr = os.Stderr
	path, err := build.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(path))
}

func TestRulesDoWhatTheySay(t *testing.T) {
	folder := t.TempDir()
	spec, err := yaml.Marshal(readRules(t).Spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(folder, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "rules.yaml"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	tool := promtool(t)
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "tests.yaml", "days.yaml"}} {
		command := exec.CommandContext(t.Context(), tool, args...)
		command.Dir = folder
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// Every alert is tested, says how bad it is and of what, and has a page.
func TestAlertsHaveWhatPeopleNeed(t *testing.T) {
	var tests []byte
	for _, name := range []string{"tests.yaml", "days.yaml"} {
		content, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests, content...)
	}
	pages := map[string]bool{}
	for _, group := range readRules(t).Spec.Groups {
		for i := range group.Rules {
			rule := &group.Rules[i]
			name := rule.Alert
			if name == "" {
				if !bytes.Contains(tests, []byte(rule.Record)) {
					t.Errorf("no test asks for %s", rule.Record)
				}
				continue
			}
			pages[name+".md"] = true
			if !strings.HasPrefix(name, "Fleetgate") || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("alert %s lacks its prefix, severity, summary or description", name)
			}
			if want := "/docs/runbooks/" + name + ".md"; !strings.HasSuffix(rule.Annotations["runbook_url"], want) {
				t.Errorf("alert %s leads to %q", name, rule.Annotations["runbook_url"])
			}
			if !bytes.Contains(tests, []byte("alertname: "+name+"\n")) {
				t.Errorf("no test has %s", name)
			}
			checkRunbook(t, name)
		}
	}
	entries, err := os.ReadDir(root + "/docs/runbooks")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !pages[entry.Name()] {
			t.Errorf("runbook %s belongs to no alert", entry.Name())
		}
	}
}

func checkRunbook(t *testing.T, alert string) {
	t.Helper()
	page, err := os.ReadFile(root + "/docs/runbooks/" + alert + ".md")
	if err != nil {
		t.Error(err)
		return
	}
	for _, part := range []string{"# " + alert, "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"} {
		if !bytes.Contains(page, []byte(part+"\n")) {
			t.Errorf("the runbook of %s has no %q", alert, part)
		}
	}
}

// What runbooks ask is exported, and their commands are those of kubectl alone.
func TestRunbooksAskWhatCanBeAsked(t *testing.T) {
	steps, err := observe.Runbooks(root + "/docs/runbooks")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if !step.Query && !strings.HasPrefix(step.Text, "kubectl ") {
			t.Errorf("%s has somebody run %q", step.Page, step.Text)
		}
		if rest := step.For("a", "b", "c"); strings.ContainsAny(rest, "<>") && !step.Query {
			t.Errorf("%s has more to fill in: %q", step.Page, rest)
		}
	}
}
