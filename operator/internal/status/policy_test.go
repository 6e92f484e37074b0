package status_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

const policyController = "fleetgate.io/gateway-controller"

func ancestor(gateway, controller string, conditions ...metav1.Condition) gatewayv1.PolicyAncestorStatus {
	return gatewayv1.PolicyAncestorStatus{
		AncestorRef: gatewayv1.ParentReference{Name: gatewayv1.ObjectName(gateway)}, ControllerName: gatewayv1.GatewayController(controller),
		Conditions: conditions,
	}
}

// wantPolicy is what the Gateway tenant/gw has to say; of no conditions nothing.
func wantPolicy(conditions ...metav1.Condition) *status.Policy {
	want := &status.Policy{
		Name:       types.NamespacedName{Namespace: "tenant", Name: "policy"},
		Gateway:    types.NamespacedName{Namespace: "tenant", Name: "gw"},
		Controller: policyController,
	}
	if len(conditions) > 0 {
		entry := ancestor("gw", policyController, conditions...)
		entry.AncestorRef.Namespace = new(gatewayv1.Namespace("tenant"))
		want.Ancestor = &entry
	}
	return want
}

func verdict(status metav1.ConditionStatus, since metav1.Time) metav1.Condition {
	return metav1.Condition{Type: "Accepted", Status: status, Reason: "R", LastTransitionTime: since, ObservedGeneration: 1}
}

func TestMergePolicy(t *testing.T) {
	then, now := metav1.NewTime(time.Unix(1e9, 0)), metav1.NewTime(time.Unix(2e9, 0))
	foreign := metav1.Condition{Type: "example.com/Theirs", Status: "True"}
	theirs := ancestor("gw", "example.com/other", foreign)
	others := ancestor("other", policyController, foreign)
	elsewhere := ancestor("gw", policyController, foreign)
	elsewhere.AncestorRef.Namespace = new(gatewayv1.Namespace("elsewhere"))
	service := ancestor("gw", policyController, foreign)
	service.AncestorRef.Group, service.AncestorRef.Kind = new(gatewayv1.Group("")), new(gatewayv1.Kind("Service"))
	full := make([]gatewayv1.PolicyAncestorStatus, 16)
	for i := range full {
		full[i] = ancestor(fmt.Sprint("gw-", i), "example.com/other", foreign)
	}
	backend := wantPolicy(verdict("True", metav1.Time{}))
	backend.Kind = "XBackend"
	ours := func(conditions ...metav1.Condition) gatewayv1.PolicyAncestorStatus {
		return *wantPolicy(conditions...).Ancestor
	}

	tests := []struct {
		name    string
		live    []gatewayv1.PolicyAncestorStatus
		want    *status.Policy
		merged  []gatewayv1.PolicyAncestorStatus
		changed bool
	}{
		{"a new entry is appended", []gatewayv1.PolicyAncestorStatus{theirs, others, elsewhere, service}, wantPolicy(verdict("True", metav1.Time{})),
			[]gatewayv1.PolicyAncestorStatus{theirs, others, elsewhere, service, ours(verdict("True", now))}, true},
		{"an entry keeps its place and time", []gatewayv1.PolicyAncestorStatus{ours(verdict("True", then)), theirs}, wantPolicy(verdict("True", metav1.Time{})),
			[]gatewayv1.PolicyAncestorStatus{ours(verdict("True", then)), theirs}, false},
		{"a change of status has a new time", []gatewayv1.PolicyAncestorStatus{ours(verdict("True", then), foreign)}, wantPolicy(verdict("False", metav1.Time{})),
			[]gatewayv1.PolicyAncestorStatus{ours(verdict("False", now), foreign)}, true},
		{"an entry that is there twice stays once", []gatewayv1.PolicyAncestorStatus{ours(verdict("True", then)), ours(verdict("True", then))},
			wantPolicy(verdict("True", metav1.Time{})), []gatewayv1.PolicyAncestorStatus{ours(verdict("True", then))}, true},
		{"nothing to say removes the entry", []gatewayv1.PolicyAncestorStatus{theirs, ours(verdict("True", then)), others}, wantPolicy(),
			[]gatewayv1.PolicyAncestorStatus{theirs, others}, true},
		{"there is room for sixteen", full, wantPolicy(verdict("True", metav1.Time{})), full, false},
		{"and for more at an XBackend", full, backend, append(slices.Clone(full), ours(verdict("True", now))), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := len(tt.live)
			got, changed := status.MergePolicy(tt.live, tt.want, conditions.Moment{Time: now, Generation: 3})
			if diff := cmp.Diff(tt.merged, got); diff != "" || changed != tt.changed {
				t.Errorf("changed %v, want %v; (-want +got)\n%s", changed, tt.changed, diff)
			}
			if len(tt.live) != before {
				t.Error("the live entries were changed")
			}
		})
	}
}
