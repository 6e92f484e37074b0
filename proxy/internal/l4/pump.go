package l4

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

const (
	// bufferSize is what is read at once while little comes. A buffer that gets
	// full says that more is to come, which the kernel may then move by itself.
	bufferSize = 16 << 10
	// tinySize is the same while memory is short.
	tinySize = 4 << 10
	// leastSplice to spliceSize is moved before a write's deadline is looked at
	// again: the more the quicker it goes, so that what goes slowly is not taken
	// for what is stuck.
	leastSplice = 64 << 10
	spliceSize  = 1 << 20
	quickly     = 100 * time.Millisecond
	// spliceWait is how long the kernel's pipe is kept for a sender that pauses.
	spliceWait = time.Second
)

// pump is one direction of a tunnel.
type pump struct {
	tunnel   *tunnel
	from, to Conn
	// broken is the flag for from having broken off.
	broken probe.Flags
	bytes  uint64
	// until is the deadline that is set for writes.
	until time.Time
	// writing is since when to has been sent something that it has not taken, on
	// the Server's clock; zero if there is nothing.
	writing atomic.Int64
}

// run forwards head and then what comes, until there is an end, which it hands
// on, or an error, which ends the tunnel.
func (p *pump) run(head []byte) {
	err := p.write(head)
	if err == nil {
		err = p.copy()
	}
	if errors.Is(err, io.EOF) {
		err = p.to.CloseWrite()
	}
	switch {
	case err == nil:
	case errors.As(err, new(writeError)) && !errors.Is(err, os.ErrDeadlineExceeded):
		// Who takes nothing any more may have answered before. The other
		// direction delivers that, and then comes to its own end.
		p.tunnel.note((probe.FlagClientCancel | probe.FlagUpstreamReset) &^ p.broken)
	default:
		p.tunnel.end(err, p.broken)
	}
}

// writeError marks an error of the receiving side.
type writeError struct{ error }

// Unwrap returns the cause.
func (e writeError) Unwrap() error { return e.error }

// copy forwards until an error, which is io.EOF at the end.
func (p *pump) copy() error {
	from, isTCP := p.from.(*net.TCPConn)
	to, both := p.to.(*net.TCPConn)
	src, err := newSource(p.from, p.tunnel.server.lend)
	if err != nil {
		return err
	}
	defer src.release()
	for {
		full, err := p.copyBuffered(src)
		if err != nil {
			return err
		}
		if full && isTCP && both && p.tunnel.server.takeSplice() {
			err := p.splice(to, from)
			p.tunnel.server.giveSplice()
			if err != nil {
				return err
			}
		}
	}
}

// copyBuffered forwards what comes bit by bit. full says that there is likely
// more than that.
func (p *pump) copyBuffered(src *source) (full bool, err error) {
	for err = p.watch(); err == nil; {
		p.rest()
		var b []byte
		b, err = src.next()
		if len(b) > 0 {
			p.tunnel.server.grow(len(b))
			p.tunnel.active.Store(p.tunnel.server.opts.Now())
			if err := p.write(b); err != nil {
				return false, err
			}
		}
		full = len(b) == bufferSize
		src.done()
		switch {
		case full:
			return true, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
		case p.tunnel.idle():
			return false, errIdle
		default:
			err = p.watch()
		}
	}
	return false, err
}

// watch has the next read give up after a tick, to see whether both directions
// are silent.
func (p *pump) watch() error {
	return p.from.SetReadDeadline(time.Now().Add(p.tunnel.tick()))
}

// splice has the kernel move bytes until the sender pauses, or memory is short.
// Between two TCP
// connections ReadFrom is splice(2), and after a deadline nothing is left in
// its pipe.
func (p *pump) splice(to, from *net.TCPConn) error {
	s := p.tunnel.server
	portion := int64(leastSplice)
	for s.opts.Gate.Level() < overload.ShedRequests {
		now := time.Now()
		p.extend(now)
		if err := from.SetReadDeadline(now.Add(min(spliceWait, p.tunnel.tick()))); err != nil {
			return err
		}
		limited := io.LimitedReader{R: from, N: portion}
		p.writing.Store(s.opts.Now())
		n, err := to.ReadFrom(&limited)
		p.writing.Store(0)
		p.bytes += uint64(n)
		if n > 0 {
			p.tunnel.active.Store(s.opts.Now())
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(p.until):
			return nil
		case err != nil:
			return err
		case limited.N > 0:
			return io.EOF
		}
		if portion = min(2*portion, spliceSize); time.Since(now) > quickly {
			portion = leastSplice
		}
	}
	return nil
}

func (p *pump) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	p.extend(time.Now())
	p.writing.Store(p.tunnel.server.opts.Now())
	n, err := p.to.Write(b)
	p.writing.Store(0)
	p.bytes += uint64(n)
	if err != nil {
		return writeError{err}
	}
	return nil
}

// extend sees to it that a write has at least half of the idle time left. Not
// every write has a deadline of its own, as setting one costs as much as a small
// write.
func (p *pump) extend(now time.Time) {
	idle := p.tunnel.idleTime
	if p.until.Sub(now) < idle/2 {
		p.until = now.Add(idle)
		_ = p.to.SetWriteDeadline(p.until)
	}
}
