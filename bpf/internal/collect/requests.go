package collect

import (
	"errors"
	"strconv"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// Several identifiers can have the same labels, one after the other, so
// everything is summed by labels first.

type requestLabels struct {
	routeLabels
	method, code, protocol string
}

type upstreamLabels struct {
	route, backend, code, result string
}

type bodyLabels struct {
	listener, route string
}

type flaggedLabels struct {
	bodyLabels
	flag string
}

type callLabels struct {
	bodyLabels
	status string
}

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

type bodies struct {
	request, response uint64
}

func (s *scrape) requests(from Requests) error {
	return errors.Join(
		s.outcomes(from),
		s.series(from),
		s.backends(from),
		s.overflows(from),
	)
}

func (s *scrape) outcomes(from Requests) error {
	total := map[requestLabels]uint64{}
	upstream := map[upstreamLabels]uint64{}
	flagged := map[flaggedLabels]uint64{}
	calls := map[callLabels]uint64{}
	err := from.Outcomes(func(o probe.Outcome, n uint64) {
		if n == 0 {
			return
		}
		route, code := s.directory.route(o.Series()), codeName(o.Status())
		total[requestLabels{route, o.Method().String(), code, o.Protocol().String()}] += n
		if o.Backend() != 0 {
			upstream[upstreamLabels{route.route, s.directory.backend(o.Backend()), code, resultName(o.Flags())}] += n
		}
		if o.Protocol() == probe.GRPC {
			calls[callLabels{bodyLabels{route.listener, route.route}, grpcName(o)}] += n
		}
		for _, f := range flags {
			if o.Flags()&f.flag != 0 {
				flagged[flaggedLabels{bodyLabels{route.listener, route.route}, f.name}] += n
			}
		}
	})
	for l, n := range total {
		s.counter(requests, n, l.listener, l.route, l.rule, l.method, l.code, l.protocol)
	}
	for l, n := range upstream {
		s.counter(upstreamRequests, n, l.route, l.backend, l.code, l.result)
	}
	for l, n := range calls {
		s.counter(grpcRequests, n, l.listener, l.route, l.status)
	}
	for l, n := range flagged {
		s.counter(requestsFlagged, n, l.listener, l.route, l.flag)
	}
	return err
}

func (s *scrape) series(from Requests) error {
	cells := map[routeLabels]*probe.Cell{}
	err := from.Series(func(id uint32, c *probe.Cell) { merge(cells, s.directory.route(id), c) })
	sums := map[bodyLabels]bodies{}
	for l, c := range cells {
		for class := range probe.Classes {
			if d := &c.Class[class]; d.Count() > 0 {
				s.out <- newHistogram(requestDuration, requestBounds, d, l.listener, l.route, l.rule, class.String())
			}
		}
		sum := sums[bodyLabels{l.listener, l.route}]
		sum.request += c.RequestBytes
		sum.response += c.ResponseBytes
		sums[bodyLabels{l.listener, l.route}] = sum
	}
	for l, sum := range sums {
		s.counter(requestBytes, sum.request, l.listener, l.route)
		s.counter(responseBytes, sum.response, l.listener, l.route)
	}
	return err
}

func (s *scrape) backends(from Requests) error {
	cells := map[string]*probe.Cell{}
	err := from.Backends(func(id uint32, c *probe.Cell) { merge(cells, s.directory.backend(id), c) })
	for backend, c := range cells {
		for class := range probe.Classes {
			if d := &c.Class[class]; d.Count() > 0 {
				s.out <- newHistogram(upstreamDuration, requestBounds, d, backend, class.String())
			}
		}
	}
	return err
}

// merge adds a cell that is valid only for now. Cells that nothing was counted
// in are left out.
func merge[L comparable](cells map[L]*probe.Cell, labels L, c *probe.Cell) {
	if sum, ok := cells[labels]; ok {
		sum.Merge(c)
	} else if *c != (probe.Cell{}) {
		sum := *c
		cells[labels] = &sum
	}
}

var overflowMaps = map[probe.Counter]string{
	probe.CounterSeriesOverflow:  "series",
	probe.CounterBackendOverflow: "backends",
	probe.CounterOutcomeOverflow: "outcomes",
}

func (s *scrape) overflows(from Requests) error {
	refused, err := from.Counter(probe.CounterRefused)
	if err != nil {
		return err
	}
	s.counter(droppedRecords, refused)
	for counter, name := range overflowMaps {
		n, err := from.Counter(counter)
		if err != nil {
			return err
		}
		s.counter(seriesOverflow, n, name)
	}
	return nil
}

// codeName returns the status, or zero for what is none.
func codeName(status uint16) string {
	if status < 100 || status > 599 {
		return "0"
	}
	return strconv.Itoa(int(status))
}

// resultName tells the gravest thing that the flags say.
func resultName(f probe.Flags) string {
	switch {
	case f&probe.FlagTimeout != 0:
		return "timeout"
	case f&probe.FlagUpstreamFailed != 0:
		return "connect_failure"
	case f&probe.FlagUpstreamReset != 0:
		return "reset"
	case f&probe.FlagRetried != 0:
		return "retry"
	}
	return "ok"
}
