package scraping

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// prometheus makes one in the namespace monitoring that is as old as it says.
func prometheus(name string, age time.Duration, namespaces, monitors *metav1.LabelSelector) monitoringv1.Prometheus {
	p := monitoringv1.Prometheus{ObjectMeta: metav1.ObjectMeta{
		Namespace: "monitoring", Name: name, CreationTimestamp: metav1.NewTime(time.Unix(1e9, 0).Add(-age)),
	}}
	p.Spec.ServiceMonitorNamespaceSelector, p.Spec.ServiceMonitorSelector = namespaces, monitors
	return p
}

func match(key, value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

func expression(key string, operator metav1.LabelSelectorOperator, values ...string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: key, Operator: operator, Values: values}}}
}

func TestChoose(t *testing.T) {
	every := &metav1.LabelSelector{}
	k8s := types.NamespacedName{Namespace: "monitoring", Name: "k8s"}
	for _, c := range []struct {
		name   string
		all    []monitoringv1.Prometheus
		labels map[string]string
		fixed  bool
		want   Choice
	}{
		{name: "there is none"},
		{name: "all monitors of all namespaces",
			all: []monitoringv1.Prometheus{prometheus("k8s", 0, every, every)}, want: Choice{By: k8s}},
		{name: "a label that it takes is added",
			all:  []monitoringv1.Prometheus{prometheus("k8s", 0, every, match("release", "stack"))},
			want: Choice{By: k8s, Add: map[string]string{"release": "stack"}}},
		{name: "a label that it has",
			all:    []monitoringv1.Prometheus{prometheus("k8s", 0, every, match("release", "stack"))},
			labels: map[string]string{"release": "stack"}, want: Choice{By: k8s}},
		{name: "whoever says which labels it has is taken by the word", fixed: true,
			all:  []monitoringv1.Prometheus{prometheus("k8s", 0, every, match("release", "stack"))},
			want: Choice{Reasons: []string{"Prometheus monitoring/k8s selects ServiceMonitors by release=stack"}}},
		{name: "a label that is there is not replaced",
			all:    []monitoringv1.Prometheus{prometheus("k8s", 0, every, match("release", "stack"))},
			labels: map[string]string{"release": "other"},
			want:   Choice{Reasons: []string{"Prometheus monitoring/k8s selects ServiceMonitors by release=stack"}}},
		{name: "one of several values",
			all:  []monitoringv1.Prometheus{prometheus("k8s", 0, every, expression("team", metav1.LabelSelectorOpIn, "b", "a"))},
			want: Choice{By: k8s, Add: map[string]string{"team": "a"}}},
		{name: "any value",
			all:  []monitoringv1.Prometheus{prometheus("k8s", 0, every, expression("scrape", metav1.LabelSelectorOpExists))},
			want: Choice{By: k8s, Add: map[string]string{"scrape": "true"}}},
		{name: "a label that must not be there",
			all:    []monitoringv1.Prometheus{prometheus("k8s", 0, every, expression("a", metav1.LabelSelectorOpDoesNotExist))},
			labels: map[string]string{"a": "b"},
			want:   Choice{Reasons: []string{"Prometheus monitoring/k8s selects ServiceMonitors by !a"}}},
		{name: "no selector selects nothing",
			all:  []monitoringv1.Prometheus{prometheus("k8s", 0, every, nil)},
			want: Choice{Reasons: []string{"Prometheus monitoring/k8s selects no ServiceMonitors: it has no serviceMonitorSelector"}}},
		{name: "its own namespace alone",
			all:  []monitoringv1.Prometheus{prometheus("k8s", 0, nil, every)},
			want: Choice{Reasons: []string{"Prometheus monitoring/k8s selects ServiceMonitors of its own namespace alone: it has no serviceMonitorNamespaceSelector"}}},
		{name: "the namespace has a label",
			all: []monitoringv1.Prometheus{prometheus("k8s", 0, match("team", "a"), every)}, want: Choice{By: k8s}},
		{name: "the namespace lacks a label",
			all:  []monitoringv1.Prometheus{prometheus("k8s", 0, match("team", "b"), every)},
			want: Choice{Reasons: []string{"Prometheus monitoring/k8s selects ServiceMonitors of namespaces by team=b"}}},
		{name: "the oldest that can be had",
			all: []monitoringv1.Prometheus{
				prometheus("young", time.Hour, every, match("release", "young")),
				prometheus("k8s", 2*time.Hour, every, match("release", "stack")),
				prometheus("blind", 3*time.Hour, every, nil),
			},
			want: Choice{By: k8s, Add: map[string]string{"release": "stack"}}},
		{name: "one that selects it as it is goes before",
			all: []monitoringv1.Prometheus{
				prometheus("old", time.Hour, every, match("release", "old")), prometheus("k8s", 0, every, every),
			},
			want: Choice{By: k8s}},
	} {
		t.Run(c.name, func(t *testing.T) {
			monitor := Monitor{
				Name: types.NamespacedName{Namespace: "tenant", Name: "gw-fleetgate"}, Labels: c.labels,
				Namespace: map[string]string{"team": "a"},
			}
			c.want.Monitor = monitor.Name
			if diff := cmp.Diff(c.want, Choose(&monitor, c.all, !c.fixed)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTextIsBounded(t *testing.T) {
	got := Choice{Reasons: []string{"a", "b", "c", "d", "e"}}.Text()
	if want := "a; b; c; and 2 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
