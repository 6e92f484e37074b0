package listener

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/proxy/internal/custody"
	"github.com/fleetgate/fleetgate/proxy/internal/keepalive"
)

// adopt makes a listener of a socket that was left; nil where there is not exactly one.
// Several are of loops, and nobody here would accept from all of them.
func adopt(fds []int) net.Listener {
	if len(fds) != 1 {
		custody.CloseAll(fds)
		return nil
	}
	file := os.NewFile(uintptr(fds[0]), "listener")
	defer file.Close()
	ln, err := net.FileListener(file)
	if err != nil {
		return nil
	}
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		ln.Close()
		return nil
	}
	return adopted{tcp}
}

// adopted has the connections of a socket that package net did not make watched like
// those of one that it did.
type adopted struct{ *net.TCPListener }

// Accept implements net.Listener.
func (a adopted) Accept() (net.Conn, error) {
	conn, err := a.TCPListener.Accept()
	if err == nil {
		keepalive.Restore(conn.(*net.TCPConn))
	}
	return conn, err
}

// share lends the descriptor of a listener.
func share(ln net.Listener, use func(fd int)) {
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { use(int(fd)) })
	}
}

// stopListening holds for whoever has the socket.
func stopListening(fd int) { _ = unix.Shutdown(fd, unix.SHUT_RD) }
