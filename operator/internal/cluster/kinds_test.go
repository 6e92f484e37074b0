package cluster

import (
	"context"
	"testing"

	"github.com/go-logr/logr"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestKinds(t *testing.T) {
	scheme, err := NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	monitor := schema.GroupKind{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}
	kinds := NewKinds(scheme, monitor)
	if kinds.Available(&monitoringv1.ServiceMonitor{}) || !kinds.Available(&corev1.Service{}) {
		t.Error("optional kinds are there, or others are not")
	}
	if got := kinds.Missing(); len(got) != 1 || got[0] != monitor.Kind {
		t.Errorf("missing are %v", got)
	}
	kinds.Set(monitor, true)
	if !kinds.Available(&monitoringv1.ServiceMonitor{}) || len(kinds.Missing()) != 0 {
		t.Error("still missing")
	}
}

func TestWait(t *testing.T) {
	mapper := meta.NewDefaultRESTMapper(nil)
	service := schema.GroupVersionKind{Version: "v1", Kind: "Service"}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Wait(ended, mapper, logr.Discard(), service); err == nil {
		t.Error("it waited for a kind that is missing, and found it")
	}
	mapper.Add(service, meta.RESTScopeNamespace)
	if err := Wait(t.Context(), mapper, logr.Discard(), service); err != nil {
		t.Error(err)
	}
}
