package otlp

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
)

const (
	// queueLength is how many requests may wait, batchLength how many spans are
	// sent at once.
	queueLength = 1024
	batchLength = 512
	// flushEvery is how long a span waits for others.
	flushEvery = time.Second
	// exportTime bounds the sending of one batch, and closeTime that of what is
	// left when the exporter ends, or another collector takes over.
	exportTime = 10 * time.Second
	closeTime  = 2 * time.Second
)

// Options of an Exporter.
type Options struct {
	// Permit refuses addresses that must not be dialled.
	Permit func(netip.Addr) error
	// Now is the clock by which endpoints are ejected, in nanoseconds.
	Now func() int64
	// Instance and Version describe the process to the collector.
	Instance, Version string
	Log               logr.Logger
}

// Exporter sends spans to one collector at a time. Its Run is called once; the
// other methods are safe for concurrent use.
type Exporter struct {
	options Options
	queue   chan *tracing.Request
	wanted  atomic.Pointer[snapshot.Spans]
	changed chan struct{}

	exported, overflowed, failed atomic.Uint64
	failing                      bool
}

// New returns an Exporter that has nowhere to send to yet.
func New(o Options) *Exporter {
	return &Exporter{options: o, queue: make(chan *tracing.Request, queueLength), changed: make(chan struct{}, 1)}
}

// Take implements tracing.Sink.
func (e *Exporter) Take(r *tracing.Request) {
	select {
	case e.queue <- r:
	default:
		e.overflowed.Add(spansOf(r))
	}
}

func spansOf(r *tracing.Request) uint64 { return uint64(1 + len(r.Attempts)) }

// Follow has spans sent to another collector, or with nil nowhere. It does not
// wait for it.
func (e *Exporter) Follow(s *snapshot.Spans) {
	if e.wanted.Swap(s) == s {
		return
	}
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// Stats counts spans.
type Stats struct {
	// Exported were taken by a collector. Overflowed were dropped as there were too
	// many, Failed because no collector took them.
	Exported, Overflowed, Failed uint64
}

// Stats returns what has become of the spans so far.
func (e *Exporter) Stats() Stats {
	return Stats{Exported: e.exported.Load(), Overflowed: e.overflowed.Load(), Failed: e.failed.Load()}
}

// Run sends spans until ctx ends, and then what is left, for a while. Whoever ends
// ctx has stopped the engine before.
func (e *Exporter) Run(ctx context.Context) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(closeTime, stop) })()
	r := &runner{Exporter: e, ctx: sending, timer: time.NewTimer(flushEvery)}
	r.timer.Stop()
	defer r.close()
	for {
		select {
		case <-ctx.Done():
			r.drain()
			return
		case <-e.changed:
			r.turn()
		case request := <-e.queue:
			r.take(request)
		case <-r.timer.C:
			r.flush()
		}
	}
}

// runner is what belongs to Run alone.
type runner struct {
	*Exporter
	// ctx ends closeTime after the one of Run.
	ctx context.Context
	// pipeline is nil while there is nowhere to send to.
	pipeline *pipeline
	timer    *time.Timer
}

// turn goes over to the collector that is wanted now.
func (r *runner) turn() {
	wanted := r.wanted.Load()
	if r.pipeline != nil && r.pipeline.spans == wanted {
		return
	}
	r.close()
	if wanted != nil {
		r.pipeline = newPipeline(&r.options, wanted)
	}
}

// take adds a request to the batch. What no collector is there for was recorded
// before it was taken away.
func (r *runner) take(request *tracing.Request) {
	r.turn()
	if r.pipeline == nil {
		r.failed.Add(spansOf(request))
		return
	}
	if len(r.pipeline.batch) == 0 {
		r.timer.Reset(flushEvery)
	}
	r.pipeline.add(request)
	if len(r.pipeline.batch) >= batchLength {
		r.flush()
	}
}

func (r *runner) flush() {
	if r.pipeline != nil {
		r.flushWithin(exportTime)
	}
}

func (r *runner) flushWithin(most time.Duration) {
	r.timer.Stop()
	batch := r.pipeline.batch
	if len(batch) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, most)
	defer cancel()
	err := r.pipeline.exporter.ExportSpans(ctx, batch)
	clear(batch)
	r.pipeline.batch = batch[:0]
	rejected := uint64(0)
	if err != nil {
		rejected = uint64(len(batch))
		if p := (*partial)(nil); errors.As(err, &p) {
			rejected = min(rejected, p.rejected)
		}
	}
	r.exported.Add(uint64(len(batch)) - rejected)
	r.failed.Add(rejected)
	if err != nil && !r.failing {
		r.options.Log.Error(err, "Dropped spans, as the collector did not take them", "collector", r.pipeline.spans.Cluster.ID)
	}
	r.failing = err != nil
}

// drain takes what is left in the queue.
func (r *runner) drain() {
	for {
		select {
		case request := <-r.queue:
			r.take(request)
		default:
			return
		}
	}
}

// close sends what the batch has, and ends the connections.
func (r *runner) close() {
	if r.pipeline == nil {
		return
	}
	r.flushWithin(closeTime)
	r.pipeline.close()
	r.pipeline = nil
}
