package metrics

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
)

func TestMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := New(registry, func() (int, int) { return 5, 3 })
	m.BuildTook(time.Millisecond)
	m.Delivered(time.Millisecond)
	m.Panicked()
	m.Config(Written)
	m.Status("Gateway", Conflict)
	m.Object("write")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := 0
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "fleetgate_operator_") || family.GetHelp() == "" {
			t.Errorf("a metric named %s", family.GetName())
		}
		series += len(family.GetMetric())
		if family.GetName() != "fleetgate_operator_proxies" {
			continue
		}
		for _, metric := range family.GetMetric() {
			want := map[string]float64{"reporting": 3, "silent": 2}[metric.GetLabel()[0].GetValue()]
			if got := metric.GetGauge().GetValue(); got != want {
				t.Errorf("%v: got %v", metric.GetLabel(), got)
			}
		}
	}
	if series < 10 {
		t.Errorf("%d series", series)
	}
}

func TestGatewaysAreToldByName(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	New(registry, func() (int, int) { return 0, 0 }).Gateways(func() map[types.NamespacedName]int {
		return map[types.NamespacedName]int{{Namespace: "a", Name: "web"}: 0, {Namespace: "b", Name: "web"}: 2}
	})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	ready := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "fleetgate_operator_gateway_ready_proxies" {
			continue
		}
		for _, m := range family.GetMetric() {
			ready[m.GetLabel()[1].GetValue()+"/"+m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
		}
	}
	if want := map[string]float64{"a/web": 0, "b/web": 2}; !maps.Equal(ready, want) {
		t.Errorf("got %v, want %v", ready, want)
	}
}
