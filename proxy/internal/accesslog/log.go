package accesslog

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Options of a Log.
type Options struct {
	// Mode is the one to begin with.
	Mode Mode
	Out  io.Writer
	// Loops is the number of Observers.
	Loops int
	// Flush is how long a line may wait; zero means 200 milliseconds.
	Flush time.Duration
	Log   logr.Logger
}

// bufferBytes is how much a loop buffers while the writer is busy. There are
// two such buffers per loop, made with its first line.
const bufferBytes = 64 << 10

// Log writes the lines of all loops. Run must be running for lines to come out.
type Log struct {
	options Options
	// mode is a packed Mode.
	mode    atomic.Uint32
	chosen  atomic.Uint32
	loops   []*loopLog
	wake    chan struct{}
	dropped atomic.Uint64
	failing bool
}

// New returns a Log.
func New(o Options) *Log {
	if o.Flush == 0 {
		o.Flush = 200 * time.Millisecond
	}
	l := &Log{options: o, wake: make(chan struct{}, 1)}
	l.mode.Store(o.Mode.pack())
	for range o.Loops {
		l.loops = append(l.loops, &loopLog{log: l})
	}
	return l
}

// Set has the requests from now on logged in another mode. What was logged before
// comes out as it is.
func (l *Log) Set(m Mode) {
	l.mode.Store(m.pack())
	l.hurry()
}

// Choose has the lines from now on hold these fields.
func (l *Log) Choose(f Fields) { l.chosen.Store(uint32(f)) }

// hurry has Run look at once.
func (l *Log) hurry() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// off says whether nothing is logged.
func (l *Log) off() bool { return unpack(l.mode.Load()).Format == Off }

// Observer returns the observer of one loop, numbered from zero.
func (l *Log) Observer(loop int) traffic.Observer { return l.loops[loop] }

// Dropped counts the lines that were dropped. A nil Log has dropped none.
func (l *Log) Dropped() uint64 {
	if l == nil {
		return 0
	}
	return l.dropped.Load()
}

// Run writes lines until ctx ends, and then what is left. Whoever ends ctx has
// stopped the loops before. While nothing is logged it sleeps.
func (l *Log) Run(ctx context.Context) {
	tick := time.NewTicker(l.options.Flush)
	defer tick.Stop()
	for {
		if l.off() {
			tick.Stop()
		} else {
			tick.Reset(l.options.Flush)
		}
		select {
		case <-ctx.Done():
			l.flush()
			return
		case <-l.wake:
		case <-tick.C:
		}
		l.flush()
	}
}

// flush writes what the loops have gathered.
func (l *Log) flush() {
	for _, loop := range l.loops {
		lines, count := loop.take()
		if len(lines) == 0 {
			continue
		}
		if _, err := l.options.Out.Write(lines); err != nil {
			l.complain(err, count)
		} else {
			l.failing = false
		}
	}
}

// complain counts lines that could not be written, and logs the first failure
// in a row.
func (l *Log) complain(err error, lines uint64) {
	l.dropped.Add(lines)
	if !l.failing {
		l.options.Log.Error(err, "Dropped lines of the access log")
	}
	l.failing = true
}

// loopLog gathers the lines of one loop. Its lock is held for as long as one
// line takes to format, or for swapping two buffers: neither waits for a write.
type loopLog struct {
	log *Log

	mu    sync.Mutex
	buf   []byte
	lines uint64
	spare []byte
}

// RequestDone adds the line of a request that is to be logged. It implements
// traffic.Observer.
func (l *loopLog) RequestDone(d *traffic.Done) {
	if !unpack(l.log.mode.Load()).wants(d) {
		return
	}
	fits, urgent := l.add(d)
	if !fits {
		l.log.dropped.Add(1)
	}
	if urgent {
		l.log.hurry()
	}
}

// add appends a line, if there is room for it, and says whether there will soon be
// none. The format is read with the lock held, so that nothing comes after the last
// take of a log that was turned off.
func (l *loopLog) add(d *traffic.Done) (fits, urgent bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	format := unpack(l.log.mode.Load()).Format
	if format == Off {
		return true, false
	}
	if l.buf == nil {
		l.buf, l.spare = make([]byte, 0, bufferBytes), make([]byte, 0, bufferBytes)
	}
	if fits = cap(l.buf)-len(l.buf) >= maxLine; fits {
		l.buf = appendChosen(l.buf, format, Fields(l.log.chosen.Load()), d)
		l.lines++
	}
	return fits, len(l.buf) > bufferBytes/2
}

// take returns the lines so far, which are the caller's until the next take. A log
// that is off keeps no buffers.
func (l *loopLog) take() (lines []byte, count uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines, count = l.buf, l.lines
	if len(lines) > 0 {
		l.buf, l.spare, l.lines = l.spare[:0], lines, 0
	}
	if l.log.off() {
		l.buf, l.spare = nil, nil
	}
	return lines, count
}
