package controller

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// queue notes what is added.
type queue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]
	added []time.Duration
}

func (q *queue) Add(reconcile.Request) { q.added = append(q.added, 0) }

func (q *queue) AddAfter(_ reconcile.Request, after time.Duration) { q.added = append(q.added, after) }

func TestDoorbell(t *testing.T) {
	now := time.Unix(1e9, 0)
	bell := newDoorbell(time.Second, func() time.Time { return now })
	key := types.NamespacedName{Namespace: "tenant", Name: "gw"}
	bell.ring(key) // Before its controller starts, nobody hears it.
	bell.ringSlowly(key)
	q := &queue{}
	if err := bell.source().Start(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name string
		wait time.Duration
		ring func(types.NamespacedName)
		want []time.Duration
	}{
		{"the first ring is heard at once", 0, bell.ringSlowly, []time.Duration{0}},
		{"the next one later", 300 * time.Millisecond, bell.ringSlowly, []time.Duration{700 * time.Millisecond}},
		{"those in between are one", 100 * time.Millisecond, bell.ringSlowly, nil},
		{"an urgent one does not wait", 0, bell.ring, []time.Duration{0}},
		{"after a while it starts anew", 10 * time.Second, bell.ringSlowly, []time.Duration{0}},
	}
	for _, step := range steps {
		now = now.Add(step.wait)
		q.added = nil
		step.ring(key)
		if len(q.added) != len(step.want) || len(step.want) > 0 && q.added[0] != step.want[0] {
			t.Errorf("%s: got %v, want %v", step.name, q.added, step.want)
		}
	}
	bell.forget(key)
	q.added = nil
	bell.ringSlowly(key)
	if len(q.added) != 1 || q.added[0] != 0 {
		t.Errorf("a forgotten key: got %v", q.added)
	}
}
