package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestParse(t *testing.T) {
	objects, err := Parse([]byte("# a comment\n---\nkind: A\nmetadata: {name: a}\n---\n\n---\nkind: B\nmetadata:\n  name: b\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 2 || objects[0].GetName() != "a" || objects[1].GetKind() != "B" {
		t.Errorf("got %v", objects)
	}
	if _, err := Parse([]byte("kind: [")); err == nil {
		t.Error("malformed YAML is no error")
	}
}

func TestAbsolute(t *testing.T) {
	for in, want := range map[string]string{
		"echo.demo.svc":               "echo.demo.svc.cluster.local.",
		"echo.demo.svc.cluster.local": "echo.demo.svc.cluster.local.",
		"example.com.":                "example.com.",
	} {
		if got := absolute(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestPollTellsTheReason(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := Poll(ctx, func(context.Context) error {
		if calls++; calls == 3 {
			cancel()
			return context.Canceled
		}
		return errors.New("not yet")
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "not yet") {
		t.Errorf("got %v, want the context's end and the last reason", err)
	}
}

func TestPollEndsWithSuccess(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	calls := 0
	err := Poll(ctx, func(context.Context) error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || calls != 3 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestRolledOut(t *testing.T) {
	two := int32(2)
	status := func(observed int64, replicas, updated, available int32) *appsv1.Deployment {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Generation: 2},
			Spec:       appsv1.DeploymentSpec{Replicas: &two},
			Status:     appsv1.DeploymentStatus{ObservedGeneration: observed, Replicas: replicas, UpdatedReplicas: updated, AvailableReplicas: available},
		}
	}
	for name, test := range map[string]struct {
		deployment *appsv1.Deployment
		done       bool
	}{
		"done":                  {status(2, 2, 2, 2), true},
		"not seen yet":          {status(1, 2, 2, 2), false},
		"old pod left":          {status(2, 3, 2, 2), false},
		"not all are updated":   {status(2, 2, 1, 2), false},
		"not all are available": {status(2, 2, 2, 1), false},
	} {
		if err := RolledOut(test.deployment); (err == nil) != test.done {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestHasCondition(t *testing.T) {
	conditions := []metav1.Condition{{Type: "Accepted", Status: metav1.ConditionTrue, ObservedGeneration: 3, Reason: "Accepted"}}
	for _, test := range []struct {
		kind       string
		status     metav1.ConditionStatus
		generation int64
		want       bool
	}{
		{"Accepted", metav1.ConditionTrue, 3, true},
		{"Accepted", metav1.ConditionTrue, 2, true},
		{"Accepted", metav1.ConditionTrue, 4, false},
		{"Accepted", metav1.ConditionFalse, 3, false},
		{"Programmed", metav1.ConditionTrue, 3, false},
	} {
		if err := HasCondition(conditions, test.kind, test.status, test.generation); (err == nil) != test.want {
			t.Errorf("%+v: got %v", test, err)
		}
	}
}
