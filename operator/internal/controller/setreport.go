package controller

import (
	"errors"
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/atonce"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// setWriters is how many statuses of ListenerSets are written at a time. Thousands of them
// may change at once, and the next change of a route waits for them.
const setWriters = 8

// setReport is what is known of the status of a ListenerSet.
type setReport struct {
	// said was seen to be the status of a version of it.
	said    *status.ListenerSet
	version string
	// written is how it was left by the last write, at that time; nil where the cache shows
	// that.
	written *gatewayv1.ListenerSet
	at      time.Time
}

// reportSets writes the status of the Gateway's ListenerSets. No other Gateway has anything
// to say of them. It returns how long it is until what can wait is to be written.
func (w *work) reportSets(wanted []*status.ListenerSet) (wait time.Duration, err error) {
	if w.known.sets == nil {
		w.known.sets = make(map[types.NamespacedName]*setReport, len(wanted))
	}
	var writes []func() error
	for _, want := range wanted {
		cached, known := w.resources.ListenerSets[want.Name], w.known.sets[want.Name]
		if known == nil {
			known = &setReport{}
			w.known.sets[want.Name] = known
		}
		if known.said != nil && known.version == cached.ResourceVersion && known.said.Same(want) {
			continue
		}
		live := known.newest(cached, w.opts.Now())
		merged, changed := status.MergeListenerSet(live.Status, want, conditions.At(w.opts.Now(), live))
		switch early := known.early(live, &merged, w.opts.Now()); {
		case !changed:
			known.said, known.version = want, live.ResourceVersion
		case early > 0:
			wait = shorter(wait, early)
		default:
			writes = append(writes, func() error { return w.writeSet(known, live, want) })
		}
	}
	if len(w.known.sets) > len(wanted) {
		maps.DeleteFunc(w.known.sets, func(name types.NamespacedName, _ *setReport) bool { return w.resources.ListenerSets[name] == nil })
	}
	return wait, errors.Join(atonce.Do(setWriters, writes)...)
}

// shorter is the shorter one of two times to wait; zero is not to wait for anything.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// writeSet may be called for several ListenerSets at a time.
func (w *work) writeSet(known *setReport, live *gatewayv1.ListenerSet, want *status.ListenerSet) error {
	var after *gatewayv1.ListenerSet
	known.said = nil
	err := writeStatus(w.ctx, &w.opts, store.KindListenerSet, live, func(live *gatewayv1.ListenerSet) (*gatewayv1.ListenerSet, bool) {
		merged, changed := status.MergeListenerSet(live.Status, want, conditions.At(w.opts.Now(), live))
		after = live.DeepCopy()
		after.Status = merged
		return after, changed
	})
	if err == nil {
		known.written, known.at = after, w.opts.Now()
	}
	return err
}

// newest returns the ListenerSet with the status that was written last, where the cache
// does not show that yet.
func (r *setReport) newest(cached *gatewayv1.ListenerSet, now time.Time) *gatewayv1.ListenerSet {
	return newest(&r.written, r.at, cached, now, func(into, from *gatewayv1.ListenerSet) { into.Status = from.Status })
}

// early returns how long it is until the status may be written for something that can
// wait: the routes of a ListenerSet come one after another.
func (r *setReport) early(live *gatewayv1.ListenerSet, next *gatewayv1.ListenerSetStatus, now time.Time) time.Duration {
	if pressing(asGateways(&live.Status), asGateways(next)) {
		return 0
	}
	return r.at.Add(statusPause).Sub(now)
}

// asGateways is the status of a Gateway that has the conditions and listeners of a
// ListenerSet.
func asGateways(of *gatewayv1.ListenerSetStatus) gatewayv1.GatewayStatus {
	out := gatewayv1.GatewayStatus{Conditions: of.Conditions}
	for _, l := range of.Listeners {
		out.Listeners = append(out.Listeners, gatewayv1.ListenerStatus(l))
	}
	return out
}
