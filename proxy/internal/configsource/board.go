package configsource

import (
	"context"
	"maps"
	"reflect"
	"sync"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// Status is what is known of the configuration at one moment. It must not be
// changed.
type Status struct {
	// Document is the envelope of what serves, without its Config; nil before
	// the first configuration.
	Document *proxyconfig.Document
	// Snapshot is what serves, or nil.
	Snapshot *snapshot.Snapshot
	// LastReloadOK says that a configuration serves and that no lane shows one
	// that was refused.
	LastReloadOK bool
	// LastSuccess is when a configuration was last applied.
	LastSuccess time.Time
	// Reloads counts applied configurations, Rejections refused ones.
	Reloads    uint64
	Rejections map[RejectionKey]uint64
	SaveErrors uint64
	// UnknownFields is the number of fields in the served document that this
	// proxy does not know.
	UnknownFields int

	refused  []proxyconfig.RefusedItem
	rejected *proxyconfig.Rejection
}

// RefusedItems is the number of items of the served configuration that were
// refused.
func (s *Status) RefusedItems() int { return len(s.refused) }

// RejectionKey labels a count of rejections.
type RejectionKey struct {
	Source Source
	// Reason is one of Reasons.
	Reason string
}

// board shows the newest Status and Report, and wakes those who wait for
// another one.
type board struct {
	// hostnames may be nil.
	hostnames func() []proxyconfig.HostnameProblem

	mu      sync.Mutex
	status  Status
	report  proxyconfig.Report
	changed chan struct{}
}

func newBoard(gatewayUID string, hostnames func() []proxyconfig.HostnameProblem) *board {
	return &board{
		hostnames: hostnames,
		report:    proxyconfig.Report{GatewayUID: gatewayUID},
		changed:   make(chan struct{}),
	}
}

func (b *board) publish(s Status) {
	s.Rejections = maps.Clone(s.Rejections)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = s
	b.renew()
}

// renew makes a report of what is known. The mutex is held.
func (b *board) renew() {
	s := &b.status
	next := proxyconfig.Report{
		Sequence:   b.report.Sequence,
		GatewayUID: b.report.GatewayUID,
		Rejected:   s.rejected,
		Refused:    s.refused,
	}
	if s.Document != nil {
		next.Hash, next.Revision = s.Document.Hash, s.Document.Revision
	}
	if b.hostnames != nil {
		next.Hostnames = b.hostnames()
	}
	if reflect.DeepEqual(next, b.report) {
		return
	}
	next.Sequence++
	b.report = next
	close(b.changed)
	b.changed = make(chan struct{})
}

// Status returns the newest status.
func (c *Coordinator) Status() Status {
	c.board.mu.Lock()
	defer c.board.mu.Unlock()
	return c.board.status
}

// Renew has the report tell what Options.Hostnames returns now. It is safe for
// concurrent use.
func (c *Coordinator) Renew() {
	c.board.mu.Lock()
	defer c.board.mu.Unlock()
	c.board.renew()
}

// Report returns the newest report.
func (c *Coordinator) Report() proxyconfig.Report {
	report, _ := c.board.read()
	return report
}

// AwaitReport returns the newest report as soon as its Sequence is not after,
// or when ctx ends.
func (c *Coordinator) AwaitReport(ctx context.Context, after uint64) proxyconfig.Report {
	for {
		report, changed := c.board.read()
		if report.Sequence != after {
			return report
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return report
		}
	}
}

func (b *board) read() (proxyconfig.Report, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.report, b.changed
}
