package scraping

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Monitor is what a Prometheus sees of a ServiceMonitor.
type Monitor struct {
	Name   types.NamespacedName
	Labels map[string]string
	// Namespace holds the labels of its namespace.
	Namespace map[string]string
}

// Choice is what there is to do about a ServiceMonitor, and to say.
type Choice struct {
	// Monitor is the ServiceMonitor.
	Monitor types.NamespacedName
	// By is the Prometheus that selects it, with the labels of Add. It is empty where
	// none does.
	By types.NamespacedName
	// Add are labels that the ServiceMonitor has to get for that.
	Add map[string]string
	// Reasons say of each Prometheus why it does not select it, in order.
	Reasons []string
}

// Choose finds out who selects the ServiceMonitor. Where nobody does and it may be
// labelled, it takes the labels that the oldest Prometheus asks for which can be had
// by adding: so one that comes later takes no ServiceMonitor from another.
func Choose(monitor *Monitor, all []monitoringv1.Prometheus, mayLabel bool) Choice {
	var reasons []string
	var add map[string]string
	var by types.NamespacedName
	for _, p := range byAge(all) {
		name := types.NamespacedName{Namespace: p.Namespace, Name: p.Name}
		reason, lacking := judge(monitor, p)
		if reason == "" {
			return Choice{Monitor: monitor.Name, By: name}
		}
		if mayLabel && by.Name == "" && lacking != nil {
			by, add = name, lacking
		}
		reasons = append(reasons, fmt.Sprintf("Prometheus %s %s", name, reason))
	}
	if by.Name != "" {
		return Choice{Monitor: monitor.Name, By: by, Add: add}
	}
	return Choice{Monitor: monitor.Name, Reasons: reasons}
}

// byAge returns the oldest first; what is given may be shared.
func byAge(all []monitoringv1.Prometheus) []*monitoringv1.Prometheus {
	sorted := make([]*monitoringv1.Prometheus, len(all))
	for i := range all {
		sorted[i] = &all[i]
	}
	slices.SortFunc(sorted, func(a, b *monitoringv1.Prometheus) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return sorted
}

// judge says why a Prometheus does not select the ServiceMonitor, and which labels
// would change that. lacking is nil where none would.
func judge(monitor *Monitor, p *monitoringv1.Prometheus) (reason string, lacking map[string]string) {
	spec := &p.Spec.CommonPrometheusFields
	if spec.ServiceMonitorSelector == nil {
		return "selects no ServiceMonitors: it has no serviceMonitorSelector", nil
	}
	if reason := namespaceReason(monitor, p.Namespace, spec.ServiceMonitorNamespaceSelector); reason != "" {
		return reason, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(spec.ServiceMonitorSelector)
	if err != nil {
		return "has a serviceMonitorSelector that is not valid", nil
	}
	if selector.Matches(labels.Set(monitor.Labels)) {
		return "", nil
	}
	lacking = missing(spec.ServiceMonitorSelector, monitor.Labels)
	if with := over(monitor.Labels, lacking); lacking == nil || !selector.Matches(labels.Set(with)) {
		lacking = nil
	}
	return "selects ServiceMonitors by " + metav1.FormatLabelSelector(spec.ServiceMonitorSelector), lacking
}

// namespaceReason says why the namespace of the ServiceMonitor is not one that the
// Prometheus looks at. Without a selector that is its own alone.
func namespaceReason(monitor *Monitor, own string, of *metav1.LabelSelector) string {
	if of == nil {
		if own == monitor.Name.Namespace {
			return ""
		}
		return "selects ServiceMonitors of its own namespace alone: it has no serviceMonitorNamespaceSelector"
	}
	selector, err := metav1.LabelSelectorAsSelector(of)
	switch {
	case err != nil:
		return "has a serviceMonitorNamespaceSelector that is not valid"
	case !selector.Matches(labels.Set(monitor.Namespace)):
		return "selects ServiceMonitors of namespaces by " + metav1.FormatLabelSelector(of)
	}
	return ""
}

// missing are labels that a selector asks for, or nil where a label that is there would
// have to be another one.
func missing(selector *metav1.LabelSelector, have map[string]string) map[string]string {
	add := map[string]string{}
	want := func(key, value string) bool {
		if _, taken := have[key]; taken {
			return have[key] == value
		}
		if other, taken := add[key]; taken {
			return other == value
		}
		add[key] = value
		return true
	}
	for key, value := range selector.MatchLabels {
		if !want(key, value) {
			return nil
		}
	}
	for _, r := range selector.MatchExpressions {
		_, there := over(have, add)[r.Key]
		switch {
		case there:
		case r.Operator == metav1.LabelSelectorOpIn && len(r.Values) > 0:
			want(r.Key, slices.Min(r.Values))
		case r.Operator == metav1.LabelSelectorOpExists:
			want(r.Key, "true")
		}
	}
	return add
}

// over returns a new map of both.
func over(base, more map[string]string) map[string]string {
	all := maps.Clone(base)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, more)
	return all
}

// maxReasons bounds a message: a cluster may have a Prometheus for each tenant.
const maxReasons = 3

// Text joins the reasons into a part of a sentence.
func (c Choice) Text() string {
	if n := len(c.Reasons); n > maxReasons {
		return strings.Join(c.Reasons[:maxReasons], "; ") + fmt.Sprintf("; and %d more", n-maxReasons)
	}
	return strings.Join(c.Reasons, "; ")
}
