package controller

import (
	"reflect"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
	"github.com/fleetgate/fleetgate/operator/internal/edition"
)

const (
	// statusPause is the time between two writes of a Gateway's status that change
	// nothing but counts and messages. It doubles with each write of a burst, up to
	// longestPause.
	statusPause  = time.Second
	longestPause = 8 * time.Second
	// statusCalm is how long nothing may have changed for the end of a burst: what holds
	// then is written without waiting for the rest of the pause, but for shortestPause.
	// Together with a look and a write, that is within a second of the last change, or
	// within twice the time that lay before that one, where that is longer.
	statusCalm    = 300 * time.Millisecond
	shortestPause = 700 * time.Millisecond
	// comingUpCalm is the same while a fleet comes up, which mostly ends with a write that
	// does not wait and tells of all. So it is for the configuration of such a fleet, which
	// the first pod's address has stored.
	comingUpCalm = 3 * time.Second
)

// burst knows when something has changed last, and how long it had not before: changes
// that come slowly are a burst all the same.
type burst struct {
	since time.Time
	gap   time.Duration
}

// changed notes a change.
func (b *burst) changed(now time.Time) {
	if b.gap = now.Sub(b.since); b.gap > longestPause {
		b.gap = 0
	}
	b.since = now
}

// end is when the burst is over, if nothing changes for at least so long.
func (b *burst) end(calm time.Duration) time.Time { return b.since.Add(max(calm, 2*b.gap)) }

// statusPace rations the writes of one Gateway's status that can wait. A thousand
// routes that come within half a minute take some seven writes, whatever wakes the
// Gateway meanwhile, and a single change is written at once.
type statusPace struct {
	// last is when the status was written, and pause what is to pass before the next
	// write while changes keep coming.
	last  time.Time
	pause time.Duration
	// waiting is what is to be written, without times, since when anything is, and changes
	// when it was something else.
	waiting *gatewayv1.GatewayStatus
	since   time.Time
	changes burst
	// written is the Gateway as the last write has left it, which a cache need not show
	// yet; nil where it does.
	written *gatewayv1.Gateway
}

// wait returns how long the status has to wait yet; zero or less is not at all.
func (p *statusPace) wait(next *gatewayv1.GatewayStatus, now time.Time) time.Duration {
	next = timeless(next)
	if p.waiting == nil {
		p.since = now
	}
	if p.waiting == nil || !reflect.DeepEqual(p.waiting, next) {
		p.waiting = next
		p.changes.changed(now)
	}
	due := earlier(p.changes.end(statusCalm), p.last.Add(max(p.pause, statusPause)))
	if comingUp(next.Conditions) {
		due = earlier(p.changes.end(comingUpCalm), p.since.Add(longestPause))
	}
	return max(due.Sub(now), p.last.Add(shortestPause).Sub(now))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// wrote notes a write. One that was urgent is no sign of a burst.
func (p *statusPace) wrote(now time.Time, urgent bool) {
	switch {
	case urgent:
	case now.Sub(p.last) < 2*p.pause:
		p.pause = min(2*p.pause, longestPause)
	default:
		p.pause = statusPause
	}
	p.last = now
	p.settled()
}

// settled notes that nothing is to be written.
func (p *statusPace) settled() { p.waiting = nil }

// newest returns the Gateway with the status that was written last, where the cache does
// not show that yet.
func (p *statusPace) newest(cached *gatewayv1.Gateway, now time.Time) *gatewayv1.Gateway {
	return newest(&p.written, p.last, cached, now, func(into, from *gatewayv1.Gateway) { into.Status = from.Status })
}

// timeless is a status without the times at which its conditions have changed: one that
// waits would be another one at each look.
func timeless(status *gatewayv1.GatewayStatus) *gatewayv1.GatewayStatus {
	status = status.DeepCopy()
	for i := range status.Conditions {
		status.Conditions[i].LastTransitionTime = metav1.Time{}
	}
	for i := range status.Listeners {
		for j := range status.Listeners[i].Conditions {
			status.Listeners[i].Conditions[j].LastTransitionTime = metav1.Time{}
		}
	}
	return status
}

// pressing says whether two statuses differ in more than what can wait for a moment:
// counts and messages, and of a Gateway that nobody can use yet how far it has come.
func pressing(before, after gatewayv1.GatewayStatus) bool {
	matters := func(string) bool { return true }
	if comingUp(before.Conditions) && comingUp(after.Conditions) {
		matters = func(typ string) bool {
			return typ != string(gatewayv1.GatewayConditionProgrammed) && typ != string(gatewayv1.GatewayConditionAddressesAssigned)
		}
	} else if !sameAddresses(before.Addresses, after.Addresses) {
		return true
	}
	if len(before.Listeners) != len(after.Listeners) || differ(before.Conditions, after.Conditions, matters) {
		return true
	}
	for i := range after.Listeners {
		if before.Listeners[i].Name != after.Listeners[i].Name || differ(before.Listeners[i].Conditions, after.Listeners[i].Conditions, matters) {
			return true
		}
	}
	return false
}

// comingUp says whether a Gateway waits for its first proxies or its address alone.
func comingUp(of []metav1.Condition) bool {
	c := conditions.Find(of, string(gatewayv1.GatewayConditionProgrammed))
	return c != nil && c.Status == metav1.ConditionFalse &&
		(c.Reason == string(gatewayv1.GatewayReasonPending) || c.Reason == string(gatewayv1.GatewayReasonAddressNotAssigned))
}

func sameAddresses(before, after []gatewayv1.GatewayStatusAddress) bool {
	return slices.EqualFunc(before, after, func(a, b gatewayv1.GatewayStatusAddress) bool {
		return a.Value == b.Value && reflect.DeepEqual(a.Routability, b.Routability)
	})
}

// differ says whether conditions that matter differ in their state.
func differ(before, after []metav1.Condition, matters func(typ string) bool) bool {
	idle := func(c metav1.Condition) bool { return !matters(c.Type) }
	before, after = slices.DeleteFunc(slices.Clone(before), idle), slices.DeleteFunc(slices.Clone(after), idle)
	return !slices.EqualFunc(before, after, func(a, b metav1.Condition) bool {
		return a.Type == b.Type && a.Status == b.Status && a.Reason == b.Reason && a.ObservedGeneration == b.ObservedGeneration
	})
}

// configPace has the configuration of a fleet that has no proxies yet wait while routes
// keep coming: nobody reads it, and each would take a write.
type configPace struct {
	// stored is what became of the configuration when it was written last, at that time.
	stored delivery.ConfigResult
	at     time.Time
	// waiting is what was to be stored last, and changes when it was another.
	waiting *edition.Edition
	changes burst
}

// wait returns how long the configuration has to wait yet, at most so long after the last
// write; zero or less is not at all.
func (p *configPace) wait(next *edition.Edition, now time.Time, most time.Duration) time.Duration {
	if p.waiting != next {
		p.changes.changed(now)
		p.waiting = next
	}
	return earlier(p.changes.end(comingUpCalm), p.at.Add(most)).Sub(now)
}

// wrote notes a write.
func (p *configPace) wrote(result *delivery.ConfigResult, now time.Time) {
	p.at = now
	p.stored = delivery.ConfigResult{Hash: result.Hash, Revision: result.Revision, Dropped: result.Dropped}
}
