package controller

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

func TestChooseSensor(t *testing.T) {
	labelled := func(level string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{enforceLabel: level}}}
	}
	deployment := func(annotation string, conditions ...appsv1.DeploymentCondition) workloads {
		d := &appsv1.Deployment{Status: appsv1.DeploymentStatus{Conditions: conditions}}
		d.Annotations = map[string]string{names.SensorRefusedAnnotation: annotation}
		return workloads{deployment: d}
	}
	daemonSet := &appsv1.DaemonSet{}
	daemonSet.Annotations = map[string]string{names.SensorRefusedAnnotation: "true"}
	failure := appsv1.DeploymentCondition{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue,
		Message: `pods "x" is forbidden: violates PodSecurity "baseline:latest"`,
	}
	quota := failure
	quota.Message = "exceeded quota"
	tests := []struct {
		name      string
		namespace *corev1.Namespace
		live      workloads
		want      provision.SensorMode
		refused   bool
	}{
		{"without a label", labelled(""), workloads{}, provision.SensorFull, false},
		{"without a namespace", nil, workloads{}, provision.SensorFull, false},
		{"baseline", labelled("baseline"), workloads{}, provision.SensorUnprivileged, false},
		{"restricted", labelled("restricted"), workloads{}, provision.SensorUnprivileged, false},
		{"pods are refused by a default of the cluster", labelled(""), deployment("", failure), provision.SensorUnprivileged, true},
		{"pods are refused for another reason", labelled(""), deployment("", quota), provision.SensorFull, false},
		{"having fallen back, it stays", labelled(""), deployment("true"), provision.SensorUnprivileged, true},
		{"also as a DaemonSet", labelled(""), workloads{daemonSet: daemonSet}, provision.SensorUnprivileged, true},
		{"until the label allows it", labelled("privileged"), deployment("true"), provision.SensorFull, false},
		{"what was full stays", labelled(""), deployment(""), provision.SensorFull, false},
	}
	for _, tt := range tests {
		if got, refused := chooseSensor(tt.namespace, tt.live); got != tt.want || refused != tt.refused {
			t.Errorf("%s: got %s, %v, want %s, %v", tt.name, got, refused, tt.want, tt.refused)
		}
	}
}

// A sensor is told to be narrowed by what is in its pod, not by what was asked for.
func TestSensorsThatMayDoLessAreTold(t *testing.T) {
	for _, tt := range []struct {
		name     string
		settings provision.Settings
		want     bool
	}{
		{"by the namespace", provision.Settings{Sensor: provision.SensorAuto, Auto: provision.SensorUnprivileged}, true},
		{"full", provision.Settings{Sensor: provision.SensorAuto, Auto: provision.SensorFull}, false},
		{"full all the same", provision.Settings{Sensor: provision.SensorFull, Auto: provision.SensorUnprivileged}, false},
		{"none", provision.Settings{Sensor: provision.SensorOff, Auto: provision.SensorUnprivileged}, false},
		{"asked for", provision.Settings{Sensor: provision.SensorUnprivileged, Auto: provision.SensorFull}, false},
	} {
		tt.settings.ProxyImage, tt.settings.SensorImage = "p", "s"
		g := graph.Build(&store.Resources{Gateway: gateway("gw"), Class: class("fleetgate", controllerName)}, graph.Options{ControllerName: controllerName})
		if got := narrowed(tt.settings.Auto, provision.Desired(g, tt.settings).Objects); (got != "") != tt.want {
			t.Errorf("%s: %q, want something: %t", tt.name, got, tt.want)
		}
	}
}

func TestSensorsThatAgentsCountForAreTold(t *testing.T) {
	g := graph.Build(&store.Resources{Gateway: gateway("gw"), Class: class("fleetgate", controllerName)}, graph.Options{ControllerName: controllerName})
	settings := provision.Settings{ProxyImage: "p", SensorImage: "s", Sensor: provision.SensorUnprivileged, NodeAgentPort: 19003}
	got := narrowed(provision.SensorUnprivileged, provision.Desired(g, settings).Objects)
	if want := "; the agents of their nodes count connections for them"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end with %q", got, want)
	}
}
