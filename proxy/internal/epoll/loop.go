//go:build linux

package epoll

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

const (
	readSize   = 64 << 10
	littleSize = 4 << 10
	plainSize  = 16 << 10
	batchSize  = 256
	// flushTime is how long a closed connection may take to send its rest.
	flushTime = 10 * time.Second
)

// everything is what a connection is registered for, once.
const everything = unix.EPOLLIN | unix.EPOLLPRI | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// loop is one thread's connections.
type loop struct {
	state *exchange.Loop
	gate  *overload.Gate
	epoch time.Time

	poll, event int
	sockets     []*socket // by descriptor
	// connections counts the sockets that are connections and not dead, paused
	// the listeners that are out of the kernel's set.
	connections, paused int
	// resume are connections that may have more to do, dead those whose
	// descriptors are to be closed; both wait for the end of the batch. tired are
	// those that have had their share of it.
	resume, turn, tired []*socket
	dead                []*socket
	// buf is what is read into, plain what is decrypted into.
	buf, plain []byte
	spare      [][]byte
	// pipes are what input is passed on by, passed the bytes that were.
	pipes  pipes
	passed atomic.Uint64
	// shaking are the clients whose handshake has not ended, turns the connections
	// whose handshakes can go on.
	shaking   handshakes
	turns     turns
	nextSweep int64
	stopping  bool
	// awake: the last wait ended by an event. asleep: nothing has come for a while, and the
	// loop waits in the kernel.
	awake  bool
	asleep atomic.Bool

	mu     sync.Mutex
	posted []func()
	ended  chan struct{}
}

func newLoop(state *exchange.Loop, o Options) (*loop, error) {
	l := &loop{
		state: state, gate: o.Gate, pipes: pipes{gate: o.Gate}, epoch: o.Epoch, shaking: handshakes{most: max(o.Gate.Limits().Handshakes/len(o.Loops), 1)},
		poll: -1, event: -1, buf: make([]byte, readSize), plain: make([]byte, plainSize), ended: make(chan struct{}),
	}
	var err error
	if l.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if l.event, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		unix.Close(l.poll)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	if err := l.register(&socket{fd: l.event}, unix.EPOLLIN); err != nil {
		unix.Close(l.poll)
		unix.Close(l.event)
		return nil, fmt.Errorf("registering the eventfd: %w", err)
	}
	state.SetDialer(l)
	return l, nil
}

// register adds a socket. Its descriptor is removed from the kernel's set by
// being closed.
func (l *loop) register(s *socket, events uint32) error {
	for s.fd >= len(l.sockets) {
		l.sockets = append(l.sockets, make([]*socket, max(len(l.sockets), 64))...)
	}
	l.sockets[s.fd] = s
	err := unix.EpollCtl(l.poll, unix.EPOLL_CTL_ADD, s.fd, &unix.EpollEvent{Events: events, Fd: int32(s.fd)})
	if err != nil {
		l.sockets[s.fd] = nil
	}
	return err
}

// post has f run within the loop soon.
func (l *loop) post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.event < 0 {
		return
	}
	l.posted = append(l.posted, f)
	// The counter cannot overflow: the loop resets it.
	_, _ = unix.Write(l.event, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// queue is post for who asks how long things wait in the loop. A loop that sleeps has
// nothing that waits, and is not woken for such a question: that would keep the
// scheduler's monitor busy for 30 ms each time, which is all that an idle proxy does.
func (l *loop) queue(f func()) {
	if l.asleep.Load() {
		f()
		return
	}
	l.post(f)
}

// do runs f within the loop and waits for it; f is not run when the loop ends
// before.
func (l *loop) do(f func()) {
	done := make(chan struct{})
	l.post(func() {
		f()
		close(done)
	})
	select {
	case <-done:
	case <-l.ended:
	}
}

// run is the loop.
func (l *loop) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(l.ended)
	events := make([]unix.EpollEvent, batchSize)
	for !l.stopping {
		n := l.wait(events)
		l.state.SetNow(int64(time.Since(l.epoch)))
		for i := range n {
			if s := l.sockets[events[i].Fd]; s != nil && !s.dead {
				l.handle(s, events[i].Events)
			}
		}
		l.resumeAll()
		l.shakeSome()
		l.sweep()
		l.state.Flush()
		l.reap()
	}
	l.closeAll()
	l.state.Flush()
}

func (l *loop) handle(s *socket, events uint32) {
	switch {
	case s.connection:
		l.handleConnection(s, events)
	case s.port != 0:
		l.acceptAll(s)
	default:
		l.runPosted()
	}
}

func (l *loop) runPosted() {
	var b [8]byte
	_, _ = unix.Read(l.event, b[:])
	l.mu.Lock()
	posted := l.posted
	l.posted = nil
	l.mu.Unlock()
	for _, f := range posted {
		f()
	}
}

// resumeAll goes on with what was put off. What is put off again meanwhile
// waits for the next batch.
func (l *loop) resumeAll() {
	l.resume, l.turn = l.turn[:0], l.resume
	for i, s := range l.turn {
		l.turn[i] = nil
		s.queued = false
		if !s.dead {
			l.advance(s)
		}
	}
	l.resume = append(l.resume, l.tired...)
	clear(l.tired)
	l.tired = l.tired[:0]
}

// sweep lets time pass for all connections when it is due.
func (l *loop) sweep() {
	now := l.state.Now()
	if now < l.nextSweep && now < l.state.Wake() {
		return
	}
	if now >= l.nextSweep {
		l.nextSweep = now + int64(exchange.SweepEvery)
		l.state.Sweep()
		crowded := l.gate.Level() > overload.Normal
		if crowded {
			l.spare = nil
		}
		l.pipes.sweep(crowded)
		l.retryListeners()
	}
	l.state.ClearWake()
	for _, s := range l.sockets {
		if s != nil && s.connection && !s.dead {
			l.tick(s)
		}
	}
}

// reap closes the descriptors of the dead.
func (l *loop) reap() {
	for i, s := range l.dead {
		l.dead[i] = nil
		l.sockets[s.fd] = nil
		unix.Close(s.fd)
		l.free(s.out)
		s.out = nil
	}
	l.dead = l.dead[:0]
}

func (l *loop) closeIdle() {
	for _, s := range l.sockets {
		if s != nil && s.peer != nil && !s.done {
			s.peer.CloseIdle()
		}
	}
}

// closeAll ends everything that the loop has.
func (l *loop) closeAll() {
	for _, s := range l.sockets {
		switch {
		case s == nil || s.dead:
		case s.connection:
			if !s.done && s.peer != nil {
				s.peer.Broken()
			}
			l.kill(s)
		case s.fd != l.event:
			l.kill(s)
		}
	}
	l.reap()
	l.pipes.sweep(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	unix.Close(l.event)
	unix.Close(l.poll)
	l.event = -1
}
