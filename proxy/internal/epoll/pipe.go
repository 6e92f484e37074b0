//go:build linux

package epoll

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/overload"
)

const (
	// pipeSize is the size of a pipe, which the kernel counts in pages of which
	// each may hold a piece of input that is much less than a page.
	pipeSize = 256 << 10
	// maxPipes bounds the pipes of a loop. Those in use hold what a slow side has
	// not taken.
	maxPipes = 128
)

// pipe carries bytes from one socket to another without a copy. It is empty, or
// belongs to the socket that the bytes go to.
type pipe struct {
	r, w int
	// left is how many bytes are in it, told how many were when the peer of the
	// socket last heard of it.
	left, told int
}

// pipes are the pipes of a loop.
type pipes struct {
	gate *overload.Gate
	idle []*pipe
	// open counts those in use, too. least is how few have been idle since the
	// last sweep.
	open, least int
	// refused: the kernel would have no more, or no splicing at all.
	refused bool
}

// take returns an empty pipe, or nil if there is none to be had.
func (p *pipes) take() *pipe {
	if n := len(p.idle); n > 0 {
		x := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.least = min(p.least, n-1)
		return x
	}
	p.least = 0
	if p.refused || p.open >= maxPipes || !p.borrow() {
		return nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		p.refused = true
		p.giveBack()
		return nil
	}
	// An unprivileged user who has many pipes has to do with the usual size.
	_, _ = unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, pipeSize)
	p.open++
	return &pipe{r: fds[0], w: fds[1]}
}

// put takes back a pipe. What is left in one must not get to anybody else.
func (p *pipes) put(x *pipe) {
	if x.left > 0 {
		p.close(x)
		return
	}
	p.idle = append(p.idle, x)
}

// sweep closes the pipes that were not needed since the last sweep, or all that
// are idle. Another try at what was refused does no harm.
func (p *pipes) sweep(all bool) {
	n := min(p.least, len(p.idle))
	if all {
		n = len(p.idle)
	}
	for _, x := range p.idle[:n] {
		p.close(x)
	}
	p.idle = slices.Delete(p.idle, 0, n)
	p.least, p.refused = len(p.idle), false
}

func (p *pipes) close(x *pipe) {
	unix.Close(x.r)
	unix.Close(x.w)
	p.open--
	p.giveBack()
}

// borrow counts the two descriptors of a pipe in.
func (p *pipes) borrow() bool {
	switch {
	case !p.gate.Open():
		return false
	case !p.gate.Open():
		p.gate.Closed()
		return false
	}
	return true
}

func (p *pipes) giveBack() {
	p.gate.Closed()
	p.gate.Closed()
}
