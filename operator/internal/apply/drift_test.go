package apply

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func TestDriftOf(t *testing.T) {
	const wanted = `
metadata: {labels: {app: proxy}}
spec:
  replicas: 2
  strategy: {type: RollingUpdate}
  template:
    spec:
      containers:
      - {name: proxy, image: "proxy:2", ports: [{containerPort: 19000, protocol: TCP, name: health}]}
`
	const container = `"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"proxy\"}":`
	ours := `{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:strategy":{"f:type":{}}}}`
	tests := []struct {
		name, manager, subresource, fields string
		want                               Drift
	}{
		{"an image of others", "kubectl-set", "", `{` + container + `{"f:image":{}}}}}}}`, Drift{Pods: true}},
		{"the port of others", "kubectl-edit", "", `{` + container + `{"f:ports":{"k:{\"containerPort\":19000,\"protocol\":\"TCP\"}":{"f:name":{}}}}}}}}}`, Drift{Pods: true}},
		{"a field that is not set", "kubectl-set", "", `{` + container + `{"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{}}}}}}}}}`, Drift{}},
		{"another container", "injector", "", `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"mesh\"}":{"f:image":{}}}}}}}`, Drift{}},
		{"a restart", "kubectl-rollout", "", `{"f:spec":{"f:template":{"f:metadata":{"f:annotations":{"f:at":{}}}}}}`, Drift{}},
		{"the replicas", "kubectl", "", `{"f:spec":{"f:replicas":{}}}`, Drift{}},
		{"a status", "kube-controller-manager", "status", `{"f:metadata":{"f:labels":{"f:app":{}}}}`, Drift{}},
		{"what we have as well", "argocd", "", `{"f:spec":{"f:strategy":{"f:type":{}}}}`, Drift{}},
		{"our own", string(FieldManager), "", `{` + container + `{"f:image":{}}}}}}}`, Drift{}},
		{"nothing", "x", "", ``, Drift{}},
	}
	var object map[string]any
	if err := yaml.Unmarshal([]byte(wanted), &object); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			entries := []metav1.ManagedFieldsEntry{
				{Manager: string(FieldManager), FieldsV1: metav1.NewFieldsV1(ours)},
				{Manager: tt.manager, Subresource: tt.subresource, FieldsV1: metav1.NewFieldsV1(tt.fields)},
			}
			if got := driftOf(object, entries); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	labels := []metav1.ManagedFieldsEntry{{Manager: "kubectl-label", FieldsV1: metav1.NewFieldsV1(ours)}}
	if got := driftOf(object, labels); got != (Drift{Rest: true}) {
		t.Errorf("a label and the strategy of others: got %+v", got)
	}
}
