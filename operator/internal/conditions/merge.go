package conditions

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Merge brings want into live and returns the result with whether it differs
// from live, which is left as it is.
//
// Conditions whose type is not in owned are somebody else's: they keep their
// place and content. An owned one that want does not have is removed. The
// transition time is taken from now only where the status changes. A live
// condition that was written for a newer generation than want knows of stays:
// our copy of the object is stale, and a newer one is on its way.
func Merge(live, want []metav1.Condition, owned []string, now metav1.Time) ([]metav1.Condition, bool) {
	merged := make([]metav1.Condition, 0, len(live)+len(want))
	changed := false
	for i := range live {
		have := live[i]
		desired := Find(want, have.Type)
		switch {
		case desired != nil && have.ObservedGeneration <= desired.ObservedGeneration:
			next := transition(have, *desired, now)
			changed = changed || next != have
			merged = append(merged, next)
		case desired == nil && slices.Contains(owned, have.Type):
			changed = true
		default:
			merged = append(merged, have)
		}
	}
	for _, desired := range want {
		if Find(live, desired.Type) == nil {
			desired.LastTransitionTime = now
			merged = append(merged, desired)
			changed = true
		}
	}
	return merged, changed
}

// Find returns the condition of the type, or nil.
func Find(list []metav1.Condition, typ string) *metav1.Condition {
	for i := range list {
		if list[i].Type == typ {
			return &list[i]
		}
	}
	return nil
}

func transition(have, want metav1.Condition, now metav1.Time) metav1.Condition {
	want.LastTransitionTime = have.LastTransitionTime
	if have.Status != want.Status || have.LastTransitionTime.IsZero() {
		want.LastTransitionTime = now
	}
	return want
}
