package conditions_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

var (
	before = metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	now    = metav1.NewTime(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
)

func at(typ string, status metav1.ConditionStatus, generation int64, when metav1.Time) metav1.Condition {
	return metav1.Condition{Type: typ, Status: status, Reason: "R", ObservedGeneration: generation, LastTransitionTime: when}
}

func TestMerge(t *testing.T) {
	never := metav1.Time{}
	for _, test := range []struct {
		name             string
		live, want, then []metav1.Condition
		changed          bool
	}{{
		name:    "a new condition gets the present time",
		want:    []metav1.Condition{at("Accepted", "True", 1, never)},
		then:    []metav1.Condition{at("Accepted", "True", 1, now)},
		changed: true,
	}, {
		name: "an equal one changes nothing",
		live: []metav1.Condition{at("Accepted", "True", 1, before)},
		want: []metav1.Condition{at("Accepted", "True", 1, never)},
		then: []metav1.Condition{at("Accepted", "True", 1, before)},
	}, {
		name:    "another generation keeps the time",
		live:    []metav1.Condition{at("Accepted", "True", 1, before)},
		want:    []metav1.Condition{at("Accepted", "True", 2, never)},
		then:    []metav1.Condition{at("Accepted", "True", 2, before)},
		changed: true,
	}, {
		name:    "another status does not",
		live:    []metav1.Condition{at("Accepted", "True", 1, before)},
		want:    []metav1.Condition{at("Accepted", "False", 1, never)},
		then:    []metav1.Condition{at("Accepted", "False", 1, now)},
		changed: true,
	}, {
		name: "a foreign condition keeps its place",
		live: []metav1.Condition{at("example.com/Mine", "False", 7, before), at("Accepted", "True", 1, before)},
		want: []metav1.Condition{at("Accepted", "True", 1, never)},
		then: []metav1.Condition{at("example.com/Mine", "False", 7, before), at("Accepted", "True", 1, before)},
	}, {
		name:    "an owned one that is no longer wanted goes",
		live:    []metav1.Condition{at("PartiallyInvalid", "True", 1, before), at("Accepted", "True", 1, before)},
		want:    []metav1.Condition{at("Accepted", "True", 1, never)},
		then:    []metav1.Condition{at("Accepted", "True", 1, before)},
		changed: true,
	}, {
		name: "a newer generation than ours is left alone",
		live: []metav1.Condition{at("Accepted", "False", 3, before)},
		want: []metav1.Condition{at("Accepted", "True", 2, never)},
		then: []metav1.Condition{at("Accepted", "False", 3, before)},
	}, {
		name:    "one that the object has not reached is of another history",
		live:    []metav1.Condition{at("Accepted", "False", 4, before)},
		want:    []metav1.Condition{at("Accepted", "True", 2, never)},
		then:    []metav1.Condition{at("Accepted", "True", 2, now)},
		changed: true,
	}} {
		t.Run(test.name, func(t *testing.T) {
			got, changed := conditions.Merge(test.live, test.want, []string{"Accepted", "PartiallyInvalid"}, conditions.Moment{Time: now, Generation: 3})
			if diff := cmp.Diff(test.then, got); diff != "" {
				t.Errorf("merged (-want +got):\n%s", diff)
			}
			if changed != test.changed {
				t.Errorf("changed is %t, want %t", changed, test.changed)
			}
		})
	}
}

func TestMergeDoesNotTouchWhatItWasGiven(t *testing.T) {
	live := []metav1.Condition{at("Accepted", "True", 1, before)}
	want := []metav1.Condition{at("Accepted", "False", 2, metav1.Time{})}
	conditions.Merge(live, want, nil, conditions.Moment{Time: now, Generation: 2})
	if live[0] != at("Accepted", "True", 1, before) || want[0] != at("Accepted", "False", 2, metav1.Time{}) {
		t.Errorf("live is %v, want is %v", live, want)
	}
}

func TestProblemsAreJoinedByType(t *testing.T) {
	var problems conditions.Problems
	problems.Add("ResolvedRefs", "BackendNotFound", "a")
	problems.Add("Accepted", "UnsupportedValue", "b %d", 1)
	problems.Add("ResolvedRefs", "InvalidKind", "c")
	problems.Add("ResolvedRefs", "BackendNotFound", "a")
	if got := problems.Message("ResolvedRefs"); got != "a; c" {
		t.Errorf("message is %q", got)
	}
	if first, ok := problems.First("Accepted"); !ok || first.Message != "b 1" {
		t.Errorf("first is %v, %t", first, ok)
	}
	if problems.Has("Programmed") {
		t.Error("a condition without problems is broken")
	}
}

func TestJoinIsBounded(t *testing.T) {
	got := conditions.Join([]string{strings.Repeat("é", 2000), "b", "c"})
	if len(got) > 1100 || !strings.HasSuffix(got, "…; and 2 more") {
		t.Errorf("%d bytes ending in %q", len(got), got[len(got)-30:])
	}
}
