package rollout_test

import (
	"context"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/rollout"
)

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "tenant", Name: name}
}

// fleet is a Deployment with a turn that began at a time, as its status says.
func fleet(began, reason string) *appsv1.Deployment {
	d := &appsv1.Deployment{}
	d.Annotations = map[string]string{names.TurnAnnotation: began}
	d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Reason: reason}}
	return d
}

// TestGate plays rollouts, of which each line is a step: "ask X" tells whether X has its
// turn, "X done" and the like tell what becomes of it. Who is woken is told too.
func TestGate(t *testing.T) {
	tests := []struct {
		name   string
		fleets map[types.NamespacedName][]client.Object
		story  []string
	}{
		{"the first turn is alone, and then there are a few", nil, []string{
			"ask a: turn", "ask c: wait", "ask b: wait", "a moves:", "a done: woken b c", "ask b: turn", "ask c: turn",
			"ask d: turn", "ask e: turn", "ask f: turn", "ask g: wait", "d done: woken g", "ask g: turn",
		}},
		{"a fleet that fails has the next one try, alone", nil, []string{
			"ask a: turn", "ask b: wait", "ask c: wait", "a fails: woken b", "ask b: turn", "ask c: wait", "b done: woken c", "ask c: turn",
		}},
		{"three that fail end the turns of all others", nil, []string{
			"ask a: turn", "a fails:", "ask b: turn", "b fails:", "ask c: turn", "ask d: wait", "c fails:", "ask d: wait",
			"ask a: turn", "ask d: wait", "a done: woken d", "ask d: turn",
		}},
		{"until one of them is gone", nil, []string{
			"ask a: turn", "a fails:", "ask b: turn", "b fails:", "ask c: turn", "ask d: wait", "c fails:", "b leaves: woken d",
		}},
		{"who waits may cease to", nil, []string{"ask a: turn", "ask b: wait", "ask c: wait", "b passes:", "a done: woken c"}},
		{"what another process began counts", map[types.NamespacedName][]client.Object{
			key("z"): {fleet("2026-01-01T11:59:00Z", "ReplicaSetUpdated")},
			key("y"): {fleet("2026-01-01T11:58:00Z", "NewReplicaSetAvailable")},
		}, []string{"ask a: wait", "ask z: turn"}},
		{"and what has failed there", map[types.NamespacedName][]client.Object{
			key("x"): {fleet("2026-01-01T11:59:00Z", "ProgressDeadlineExceeded")},
			key("y"): {fleet("2026-01-01T11:59:00Z", "ProgressDeadlineExceeded")},
			key("z"): {fleet("2026-01-01T11:59:00Z", "ProgressDeadlineExceeded")},
		}, []string{"ask a: wait", "ask z: turn"}},
		{"each rollout begins with one again", nil, []string{
			"ask a: turn", "a done:", "ask a: turn", "ask b: wait",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlay(t, tt.fleets)
			for i, line := range tt.story {
				step, _, _ := strings.Cut(line, ":")
				if got := step + ":" + p.step(step); got != line {
					t.Fatalf("step %d: got %q, want %q", i, got, line)
				}
			}
		})
	}
}

type play struct {
	t     *testing.T
	gate  *rollout.Gate
	woken []string
	began map[string]string
}

func newPlay(t *testing.T, fleets map[types.NamespacedName][]client.Object) *play {
	p := &play{t: t, began: make(map[string]string)}
	p.gate = rollout.NewGate(rollout.Options{
		Fleets: func(context.Context) (map[types.NamespacedName][]client.Object, error) { return fleets, nil },
		Wake:   func(gateway types.NamespacedName) { p.woken = append(p.woken, gateway.Name) },
		Now:    func() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) },
	})
	return p
}

// step takes one, and returns what came of it.
func (p *play) step(text string) string {
	p.woken = nil
	who, what, _ := strings.Cut(text, " ")
	switch what {
	case "done":
		p.gate.Note(key(who), fleet(p.began[who], "NewReplicaSetAvailable"))
	case "moves":
		// The cache may be late.
		p.gate.Note(key(who), fleet("", "NewReplicaSetAvailable"))
		p.gate.Note(key(who), fleet(p.began[who], "ReplicaSetUpdated"))
	case "fails":
		p.gate.Note(key(who), fleet(p.began[who], "ProgressDeadlineExceeded"))
	case "leaves":
		p.gate.Leave(key(who), "")
	case "passes":
		p.gate.Pass(key(who))
	default:
		turn, err := p.gate.Ask(p.t.Context(), key(what))
		if err != nil {
			p.t.Fatal(err)
		}
		if turn == "" {
			return " wait"
		}
		p.began[what] = turn
		return " turn"
	}
	if len(p.woken) == 0 {
		return ""
	}
	return " woken " + strings.Join(p.woken, " ")
}

func TestATurnThatCouldNotBeginIsGivenBack(t *testing.T) {
	p := newPlay(t, nil)
	p.step("ask a")
	p.gate.Leave(key("a"), "another turn")
	if waiting, underWay, failed := p.gate.Counts(); waiting != 0 || underWay != 1 || failed != 0 {
		t.Errorf("got %d, %d, %d", waiting, underWay, failed)
	}
	p.gate.Leave(key("a"), p.began["a"])
	if _, underWay, _ := p.gate.Counts(); underWay != 0 {
		t.Errorf("got %d under way", underWay)
	}
}

func TestChangeOf(t *testing.T) {
	workload := func(image, label string, own any) *appsv1.Deployment {
		d := &appsv1.Deployment{}
		d.Spec.Template.Labels = map[string]string{"team": label}
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "proxy", Image: image}}
		if own != nil {
			d.Annotations = map[string]string{names.TemplateAnnotation: rollout.Fingerprint(d, own)}
		}
		return d
	}
	daemonSet := &appsv1.DaemonSet{}
	daemonSet.Spec.Template = workload("v1", "a", nil).Spec.Template
	daemonSet.Annotations = map[string]string{names.TemplateAnnotation: rollout.Fingerprint(daemonSet, 1)}
	replicas := workload("v1", "a", 2)
	replicas.Spec.Replicas = new(int32(7))
	tests := []struct {
		name         string
		live, wanted client.Object
		want         rollout.Change
	}{
		{"nothing", workload("v1", "a", 1), workload("v1", "a", 1), rollout.None},
		{"nothing of the pods", workload("v1", "a", 1), replicas, rollout.None},
		{"an image of the operator's", workload("v1", "a", 1), workload("v2", "a", 1), rollout.Foreign},
		{"a label of the class's", workload("v1", "a", 1), workload("v1", "b", 1), rollout.Foreign},
		{"a label of the Gateway's own", workload("v1", "a", 1), workload("v1", "b", 2), rollout.Own},
		{"another kind", workload("v1", "a", 1), daemonSet, rollout.Foreign},
		{"unknown, with the image that it has", workload("v1", "a", nil), workload("v1", "b", 1), rollout.None},
		{"unknown, with another image", workload("v1", "a", nil), workload("v2", "a", 1), rollout.Foreign},
	}
	for _, tt := range tests {
		if got := rollout.ChangeOf(tt.live, tt.wanted); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	if rollout.Fingerprint(daemonSet, 1) == rollout.Fingerprint(daemonSet, 2) {
		t.Error("a wish leaves no trace")
	}
}
