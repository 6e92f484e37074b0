package collect

import (
	"cmp"
	"strconv"
	"unique"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// What a client or a backend can vary is bounded for each route: so many methods,
// codes and protocols together, statuses of gRPC, and rules are told apart.
const (
	mostEndings = 8
	mostCalls   = 4
	mostRules   = 2
)

// routeName is what requests are told apart by.
type routeName struct{ listener, route string }

// routeKey stands for a name where there are thousands to look up: it is compared
// without its text.
type routeKey = unique.Handle[routeName]

func compareRoutes(x, y routeKey) int {
	a, b := x.Value(), y.Value()
	return cmp.Or(cmp.Compare(a.listener, b.listener), cmp.Compare(a.route, b.route))
}

// ending is a way for requests of a route to end.
type ending struct {
	rule     string
	method   probe.Method
	status   uint16 // or its hundreds, where it was folded
	protocol probe.Protocol
}

// mixed is a protocol that is not told.
const mixed probe.Protocol = 255

// folded keeps of an ending the class of its status alone.
func (e ending) folded() ending {
	return ending{rule: other, method: probe.MethodOther, status: hundreds(e.status), protocol: mixed}
}

// hundreds returns 1 to 5 for a status, or for its hundreds, and zero for none.
func hundreds(status uint16) uint16 {
	if status >= 100 {
		return status / 100
	}
	return status
}

// span is what durations of a route are told apart by.
type span struct {
	rule  string
	class probe.Class
}

// served is what was counted of a route's requests, or of those of all routes
// without a name. It implements tally.
type served struct {
	named             bool
	endings           map[ending]uint64
	flagged           [len(flags)]uint64
	calls             map[string]uint64 // by their status
	request, response uint64            // bytes of bodies
	durations         map[span]*probe.Durations
}

func newServed(named bool) *served {
	return &served{named: named, endings: map[ending]uint64{}, calls: map[string]uint64{}, durations: map[span]*probe.Durations{}}
}

// leastServed is what the first request of a route takes: a count, a histogram and
// the bytes of both bodies.
var leastServed = 1 + requestBounds.series() + 2

func (s *served) empty() bool { return len(s.endings) == 0 }

func (s *served) series() int {
	n := len(s.endings) + len(s.calls) + 2 + len(s.durations)*requestBounds.series()
	for _, f := range s.flagged {
		if f > 0 {
			n++
		}
	}
	return n
}

// most is the bound where the route has a name: without one nothing is told apart.
func (s *served) most(bound int) int {
	if s.named {
		return bound
	}
	return 0
}

// outcome counts requests that have ended alike.
func (s *served) outcome(rule string, o probe.Outcome, n uint64) {
	s.ending(ending{rule, o.Method(), soundStatus(o.Status()), o.Protocol()}, n)
	if o.Protocol() == probe.GRPC {
		s.call(grpcName(o), n)
	}
	for i, f := range flags {
		if o.Flags()&f.flag != 0 {
			s.flagged[i] += n
		}
	}
}

func (s *served) ending(e ending, n uint64) {
	bump(s.endings, e, n, s.most(mostEndings), ending.folded)
}

func (s *served) call(status string, n uint64) { bump(s.calls, status, n, s.most(mostCalls), foldCall) }

// foldCall tells whether a call was well.
func foldCall(status string) string {
	if status == grpcOK {
		return status
	}
	return other
}

// bump adds to what a key has: its own, where it has any or fewer than most keys
// have, or else to what it shares with others.
func bump[K comparable](counts map[K]uint64, key K, n uint64, most int, folded func(K) K) {
	if most == 0 {
		key = folded(key)
	} else if _, ok := counts[key]; !ok && len(counts) >= most {
		key = folded(key)
	}
	counts[key] += n
}

// cell counts what has been added to the bytes and durations of a cell.
func (s *served) cell(rule string, added []figure) {
	for _, f := range added {
		switch f.place {
		case placeRequest:
			s.request += f.n
		case placeResponse:
			s.response += f.n
		}
	}
	eachClass(added, func(class probe.Class, d durationsAt) { d.addTo(s.lasting(span{rule, class})) })
}

// lasting returns the durations that those of a span are told among.
func (s *served) lasting(key span) *probe.Durations {
	if !s.named || s.durations[key] == nil && len(s.durations) >= mostRules {
		key.rule = other
	}
	return found(s.durations, key)
}

// merge implements tally.
func (s *served) merge(o *served) {
	for e, n := range o.endings {
		s.ending(e, n)
	}
	for status, n := range o.calls {
		s.call(status, n)
	}
	for i, n := range o.flagged {
		s.flagged[i] += n
	}
	s.request += o.request
	s.response += o.response
	for key, d := range o.durations {
		s.lasting(key).Merge(d)
	}
}

// tell writes the metrics of a route.
func (s *served) tell(out *scrape, r routeName) {
	if s.empty() {
		return
	}
	for e, n := range s.endings {
		out.counter(requests, n, r.listener, r.route, e.rule, e.method.String(), codeName(e.status), e.protocol.String())
	}
	for status, n := range s.calls {
		out.counter(grpcRequests, n, r.listener, r.route, status)
	}
	for i, n := range s.flagged {
		if n > 0 {
			out.counter(requestsFlagged, n, r.listener, r.route, flags[i].name)
		}
	}
	out.counter(requestBytes, s.request, r.listener, r.route)
	out.counter(responseBytes, s.response, r.listener, r.route)
	for key, d := range s.durations {
		out.histogram(requestDuration, requestBounds, d, r.listener, r.route, key.rule, key.class.String())
	}
}

// grpcOK is the status of a call that went well.
const grpcOK = "0"

// grpcName returns the number of a call's status.
func grpcName(o probe.Outcome) string {
	if status, ok := o.GRPC(); ok {
		return strconv.Itoa(int(status))
	}
	return "none"
}

// flags are those of records, by the names that they have in the metrics.
var flags = [...]struct {
	flag probe.Flags
	name string
}{
	{probe.FlagRetried, "retried"},
	{probe.FlagTimeout, "timeout"},
	{probe.FlagClientCancel, "client_cancel"},
	{probe.FlagNoRoute, "no_route"},
	{probe.FlagUpstreamReset, "upstream_reset"},
	{probe.FlagUpstreamFailed, "upstream_failed"},
}

// soundStatus returns the status, or zero for what is none.
func soundStatus(status uint16) uint16 {
	if status < 100 || status > 599 {
		return 0
	}
	return status
}

// codeName is the label of a status, or of its hundreds.
func codeName(status uint16) string {
	if 0 < status && status < 100 {
		return strconv.Itoa(int(status)) + "xx"
	}
	return strconv.Itoa(int(status))
}
