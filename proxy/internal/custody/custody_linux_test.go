package custody

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"
)

// process is one that serves: a Client and what it has open.
type process struct {
	*Client
	t    *testing.T
	open []int
}

func newProcess(t *testing.T, h *Holder) *process {
	t.Helper()
	file, err := h.Attend()
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClient(file, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	return &process{Client: c, t: t}
}

// die closes what the kernel closes for a process that is killed.
func (p *process) die() {
	p.conn.Close()
	CloseAll(p.open)
	for _, fds := range p.found {
		CloseAll(fds)
	}
}

// listen opens a port with so many sockets, and keeps them.
func (p *process) listen(n int) (port uint16) {
	p.t.Helper()
	address := "127.0.0.1:0"
	config := net.ListenConfig{Control: shared}
	var fds []int
	for range n {
		ln, err := config.Listen(context.Background(), "tcp", address)
		if err != nil {
			p.t.Fatal(err)
		}
		address = ln.Addr().String()
		port = uint16(ln.Addr().(*net.TCPAddr).Port)
		file, err := ln.(*net.TCPListener).File()
		if err != nil {
			p.t.Fatal(err)
		}
		fd, err := unix.Dup(int(file.Fd()))
		if err != nil {
			p.t.Fatal(err)
		}
		fds = append(fds, fd)
		file.Close()
		ln.Close()
	}
	p.open = append(p.open, fds...)
	p.Keep(port, fds)
	return port
}

// accepts says whether a socket among these has a connection that waits.
func accepts(fds []int) bool {
	for _, fd := range fds {
		_ = unix.SetNonblock(fd, true)
		if got, _, err := unix.Accept(fd); err == nil {
			unix.Close(got)
			return true
		}
	}
	return false
}

func dial(t *testing.T, port uint16) error {
	t.Helper()
	conn, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)})
	if err == nil {
		t.Cleanup(func() { conn.Close() })
	}
	return err
}

// Who connects while nobody serves waits for the next process, as often as they die.
func TestSocketsOutliveTheirProcess(t *testing.T) {
	h := NewHolder()
	p := newProcess(t, h)
	port := p.listen(3)
	for range 5 {
		p.die()
		if err := dial(t, port); err != nil {
			t.Fatalf("while nobody serves: %v", err)
		}
		p = newProcess(t, h)
		fds := p.Take(port)
		if len(fds) != 3 || !accepts(fds) {
			t.Fatalf("the next process has sockets %v, or nobody waits there", fds)
		}
		if again := p.Take(port); again != nil {
			t.Errorf("they are given twice: %v", again)
		}
		p.open = fds
	}
	p.die()
	h.Close()
	if dial(t, port) == nil {
		t.Error("the port is open when all is over")
	}
}

func TestDroppedPortIsFree(t *testing.T) {
	h := NewHolder()
	defer h.Close()
	p := newProcess(t, h)
	defer p.die()
	port := p.listen(2)
	CloseAll(p.open)
	p.open = nil
	if err := dial(t, port); err != nil {
		t.Fatal("nobody holds the port")
	}
	p.Drop(port)
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)})
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	ln.Close()
}

func TestSettleDropsWhatNobodyTook(t *testing.T) {
	h := NewHolder()
	defer h.Close()
	p := newProcess(t, h)
	wanted, unwanted := p.listen(1), p.listen(1)
	p.die()
	p = newProcess(t, h)
	defer p.die()
	p.open = p.Take(wanted)
	p.Settle()
	if err := dial(t, wanted); err != nil {
		t.Errorf("the port that was taken: %v", err)
	}
	if dial(t, unwanted) == nil {
		t.Error("the port that nobody took is open")
	}
}

// Keeping a port again takes the place of what was held.
func TestKeepReplaces(t *testing.T) {
	h := NewHolder()
	defer h.Close()
	p := newProcess(t, h)
	port := p.listen(2)
	p.Keep(port, p.open[:1])
	p.die()
	p = newProcess(t, h)
	defer p.die()
	if p.open = p.Take(port); len(p.open) != 1 {
		t.Errorf("got %v", p.open)
	}
}

// A process whose supervisor is gone goes on without, and does not wait for it.
func TestClientWithoutHolder(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs, ours := os.NewFile(uintptr(pair[0]), "client"), os.NewFile(uintptr(pair[1]), "holder")
	conn, err := net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	ours.Close()
	if err := send(conn.(*net.UnixConn), message{verb: end}); err != nil {
		t.Fatal(err)
	}
	p, err := NewClient(theirs, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	start := time.Now()
	for range 10 {
		p.Drop(1)
		p.Keep(1, nil)
	}
	p.Settle()
	if took := time.Since(start); took > timeout/2 {
		t.Errorf("it waited for %v", took)
	}
}
