package conditions

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Moment is when a status is merged.
type Moment struct {
	Time metav1.Time
	// Generation is the one that the object has whose status it is.
	Generation int64
}

// At is the moment for an object as it is now.
func At(now time.Time, object metav1.Object) Moment {
	return Moment{Time: metav1.NewTime(now), Generation: object.GetGeneration()}
}

// Merge brings want into live and returns the result with whether it differs
// from live, which is left as it is.
//
// Conditions whose type is not in owned are somebody else's: they keep their
// place and content. An owned one that want does not have is removed. The
// transition time is that of the moment only where the status changes. A live
// condition that was written for a newer generation than want knows of stays:
// our copy of the object is stale, and a newer one is on its way. One of a
// generation that the object itself has not reached does not: it was written
// before the cluster was restored from a backup.
func Merge(live, want []metav1.Condition, owned []string, at Moment) ([]metav1.Condition, bool) {
	merged := make([]metav1.Condition, 0, len(live)+len(want))
	changed := false
	for i := range live {
		have := live[i]
		desired := Find(want, have.Type)
		switch {
		case desired != nil && (have.ObservedGeneration <= desired.ObservedGeneration || have.ObservedGeneration > at.Generation):
			next := transition(have, *desired, at.Time)
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
			desired.LastTransitionTime = at.Time
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
