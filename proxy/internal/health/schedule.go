package health

import (
	"container/heap"
	"math"
	"slices"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// postponement is how long an endpoint without a check waits for a probe that
// could not be made.
const postponement = time.Second

// target is an endpoint that is probed, for a check or because it is ejected.
type target struct {
	endpoint *balance.Endpoint
	// check is nil where the endpoint is probed for its readmission alone.
	check *balance.Check
	at    int64
	// place is the target's index among those that wait; -1 while its probe runs.
	place int
	// streak counts results in a row: successes up from zero, failures down.
	streak int
	// out is set while the check has taken the endpoint out.
	out bool
	// since is when the endpoint was first seen to be ejected; zero when it is not.
	since int64
}

// schedule knows which endpoints are to be probed, and when. It belongs to one
// goroutine.
type schedule struct {
	targets map[*balance.Endpoint]*target
	// of are the targets of each Cluster that has any.
	of      map[*balance.Cluster][]*target
	waiting waiting
	// away is how many of the targets are ejected.
	away int64
}

func newSchedule() schedule {
	return schedule{targets: map[*balance.Endpoint]*target{}, of: map[*balance.Cluster][]*target{}}
}

// follow takes up the endpoints of some Clusters that came or were ejected, and lets go
// of those that left or need no probe any more.
func (s *schedule) follow(changed []*balance.Cluster, now int64) {
	for _, c := range changed {
		policy := c.Policy()
		current := map[*balance.Endpoint]bool{}
		endpoints := c.Endpoints()
		for i, e := range endpoints {
			if e.Gone() || policy.Check == nil && (e.EjectedUntil() == 0 || !policy.Probed()) {
				continue
			}
			current[e] = true
			if s.targets[e] == nil {
				s.enter(e, firstCheck(policy.Check, i, len(endpoints), now))
			}
			s.adopt(s.targets[e], policy.Check, now)
		}
		for _, t := range slices.Clone(s.of[c]) {
			if !current[t.endpoint] {
				s.drop(t)
			}
		}
	}
}

// firstCheck is when one of a number of endpoints is checked first: all of them are
// spread over an interval.
func firstCheck(check *balance.Check, i, endpoints int, now int64) int64 {
	if check == nil {
		return math.MaxInt64
	}
	return now + int64(check.Interval)*int64(i)/int64(endpoints)
}

func (s *schedule) enter(e *balance.Endpoint, at int64) {
	t := &target{endpoint: e, at: at, place: -1}
	s.targets[e] = t
	s.of[e.Cluster] = append(s.of[e.Cluster], t)
	heap.Push(&s.waiting, t)
}

// adopt brings a target up to its backend's policy.
func (s *schedule) adopt(t *target, check *balance.Check, now int64) {
	if check == nil {
		t.acquit()
	}
	t.check = check
	s.look(t, now)
	if t.place < 0 {
		return // learn sees to it when the probe ends
	}
	// The interval may have become shorter.
	if check != nil && now+int64(check.Interval) < t.at {
		s.move(t, now+int64(check.Interval))
	}
	if until := t.endpoint.EjectedUntil(); until != 0 {
		s.move(t, min(t.at, s.again(t, until, now)))
	}
}

// look notes since when the endpoint is ejected.
func (s *schedule) look(t *target, now int64) {
	switch ejected := t.endpoint.EjectedUntil() != 0; {
	case ejected && t.since == 0:
		t.since = now
		s.away++
	case !ejected:
		s.unsee(t)
	}
}

func (s *schedule) unsee(t *target) {
	if t.since != 0 {
		t.since = 0
		s.away--
	}
}

// An endpoint that took no connection is probed before its ejection is over, as that
// costs nobody a request: after soon, or a share of the time for which it has been away,
// and in all about so many of them a second.
const (
	soon        = 200 * time.Millisecond
	shareOfAway = 128
	perSecond   = 200
)

// again is when an endpoint that is ejected until a time is to be probed next.
func (s *schedule) again(t *target, until, now int64) int64 {
	if !t.endpoint.MayRecover() {
		return until
	}
	pause := max(int64(soon), (now-t.since)/shareOfAway, s.away*int64(time.Second/perSecond))
	return min(until, now+pause)
}

func (s *schedule) move(t *target, at int64) {
	t.at = at
	if t.place < 0 {
		heap.Push(&s.waiting, t)
		return
	}
	heap.Fix(&s.waiting, t.place)
}

// drop lets go of a target; what a probe that runs finds is not looked at.
func (s *schedule) drop(t *target) {
	t.acquit()
	s.unsee(t)
	delete(s.targets, t.endpoint)
	c := t.endpoint.Cluster
	if s.of[c] = slices.DeleteFunc(s.of[c], func(o *target) bool { return o == t }); len(s.of[c]) == 0 {
		delete(s.of, c)
	}
	if t.place >= 0 {
		heap.Remove(&s.waiting, t.place)
	}
}

// take returns a target that is due, whose probe is to run and to end in learn;
// nil when there is none.
func (s *schedule) take(now int64) *target {
	if len(s.waiting) == 0 || s.waiting[0].at > now {
		return nil
	}
	return heap.Pop(&s.waiting).(*target)
}

// next returns when the next target is due; false when none waits.
func (s *schedule) next() (at int64, ok bool) {
	if len(s.waiting) == 0 {
		return 0, false
	}
	return s.waiting[0].at, true
}

// learn takes the result of a probe and sets the time of the next one.
func (s *schedule) learn(t *target, ok bool, now int64) {
	if s.targets[t.endpoint] != t {
		return
	}
	e := t.endpoint
	if e.Gone() {
		s.drop(t)
		return
	}
	switch until := e.EjectedUntil(); {
	case until == 0:
	case until > now && ok:
		e.Recover(now)
	case until > now:
	case ok:
		e.Readmit()
	default:
		e.Failed(now)
	}
	if t.check != nil {
		t.judge(ok)
	}
	s.plan(t, now)
}

// postpone sets the time of the next probe after one that could not be made.
func (s *schedule) postpone(t *target, now int64) {
	if s.targets[t.endpoint] != t {
		return
	}
	if t.endpoint.Gone() || t.check == nil && t.endpoint.EjectedUntil() == 0 {
		s.drop(t)
		return
	}
	after := int64(postponement)
	if t.check != nil {
		after = int64(t.check.Interval)
	}
	s.move(t, now+after)
}

// acquit undoes what a check has found: there is none any more to undo it later.
func (t *target) acquit() {
	t.streak = 0
	if t.out {
		t.out = false
		t.endpoint.SetHealthy(true)
	}
}

// judge counts a result towards the thresholds of the check.
func (t *target) judge(ok bool) {
	switch {
	case ok:
		t.streak = max(t.streak, 0) + 1
		if t.out && t.streak >= t.check.Rise {
			t.out = false
			t.endpoint.SetHealthy(true)
		}
	default:
		t.streak = min(t.streak, 0) - 1
		if !t.out && -t.streak >= t.check.Decline {
			t.out = true
			t.endpoint.SetHealthy(false)
		}
	}
}

// plan sets the time of the next probe, or lets go of the target.
func (s *schedule) plan(t *target, now int64) {
	s.look(t, now)
	until := t.endpoint.EjectedUntil()
	if t.check == nil && until == 0 {
		s.drop(t)
		return
	}
	at := int64(math.MaxInt64)
	if t.check != nil {
		at = now + int64(t.check.Interval)
	}
	if until != 0 {
		at = min(at, s.again(t, until, now))
	}
	s.move(t, at)
}

// waiting is a heap of targets by time.
type waiting []*target

func (w waiting) Len() int           { return len(w) }
func (w waiting) Less(i, j int) bool { return w[i].at < w[j].at }

func (w waiting) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].place, w[j].place = i, j
}

func (w *waiting) Push(x any) {
	t := x.(*target)
	t.place = len(*w)
	*w = append(*w, t)
}

func (w *waiting) Pop() any {
	last := len(*w) - 1
	t := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	t.place = -1
	return t
}
