package handshake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// timeout bounds the time for a greeting to arrive, and for an answer to be
// taken.
const timeout = 5 * time.Second

// pending bounds the conversations that have not yet greeted.
const pending = 4

// Handler is told of the conversation. Its calls never overlap.
type Handler interface {
	// Joined takes a proxy's greeting and returns the answer, with a
	// descriptor to go along or nil. The peer's files are closed after it
	// returns; the returned file stays the handler's.
	Joined(*Peer) (probe.Welcome, *os.File, error)
	// Updated takes the whole of the proxy's tables.
	Updated(*probe.Tables)
	// Amended takes what has changed in them.
	Amended(*probe.Amendment)
	// Left ends the conversation that Joined has begun.
	Left()
}

// Options are what a Server needs.
type Options struct {
	// Path of the socket. What is there is replaced.
	Path    string
	Handler Handler
	Log     logr.Logger
}

// Server listens for the proxy.
type Server struct {
	options  Options
	listener *net.UnixListener

	// turn is held by the conversation that the handler is told of.
	turn sync.Mutex

	mu      sync.Mutex
	current *net.UnixConn
}

// Listen opens the socket. Every process of the pod may connect to it: it lies
// in a volume that only the pod has.
func Listen(o Options) (*Server, error) {
	if err := os.Remove(o.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing the old socket: %w", err)
	}
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: o.Path, Net: "unixpacket"})
	if err != nil {
		return nil, fmt.Errorf("listening for the proxy: %w", err)
	}
	// The proxy runs as another user, and connecting takes the right to write.
	if err := os.Chmod(o.Path, 0o666); err != nil {
		l.Close()
		return nil, fmt.Errorf("opening the socket to the proxy: %w", err)
	}
	return &Server{options: o, listener: l}, nil
}

// Run serves until ctx is done and closes the socket. All conversations have
// ended when it returns.
func (s *Server) Run(ctx context.Context) error {
	var conversations sync.WaitGroup
	defer conversations.Wait()
	defer s.listener.Close()
	defer context.AfterFunc(ctx, func() { s.listener.Close() })()

	slots := make(chan struct{}, pending)
	for {
		conn, err := s.listener.AcceptUnix()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("accepting the proxy: %w", err)
		}
		slots <- struct{}{}
		conversations.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.CloseRead() })()
			peer, err := greet(conn)
			<-slots
			if err == nil {
				err = s.converse(ctx, conn, peer)
				peer.close()
			}
			if err != nil && ctx.Err() == nil {
				s.options.Log.Error(err, "Ended the conversation with the proxy")
			}
		})
	}
}

// greet waits for the proxy's first message.
func greet(conn *net.UnixConn) (*Peer, error) {
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, fmt.Errorf("setting the deadline: %w", err)
	}
	peer, err := receiveHello(conn)
	if err != nil {
		return nil, err
	}
	if peer.PID, err = processOf(conn); err != nil {
		peer.close()
		return nil, err
	}
	return peer, nil
}

// converse answers a greeting and takes updates until the proxy goes away or
// another greeting has come.
func (s *Server) converse(ctx context.Context, conn *net.UnixConn, peer *Peer) error {
	s.replace(conn)
	s.turn.Lock()
	defer s.turn.Unlock()
	if ctx.Err() != nil || !s.isCurrent(conn) {
		return nil
	}
	welcome, file, err := s.options.Handler.Joined(peer)
	if err != nil {
		return err
	}
	defer s.options.Handler.Left()
	peer.close()
	if err := send(conn, welcome, file); err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("clearing the deadline: %w", err)
	}
	err = s.takeUpdates(conn)
	if errors.Is(err, io.EOF) || !s.isCurrent(conn) {
		return nil
	}
	return err
}

func (s *Server) takeUpdates(conn *net.UnixConn) error {
	var told telling
	packet := make([]byte, probe.MaxMessage)
	for {
		var u probe.Update
		if err := receiveUpdate(conn, packet, &u); err != nil {
			return err
		}
		if err := told.add(&u); err != nil {
			return err
		}
		if !u.Last {
			continue
		}
		if told.amends {
			s.options.Handler.Amended(&told.Amendment)
		} else {
			s.options.Handler.Updated(&told.Tables)
		}
		told = telling{whole: true}
	}
}

// replace ends the conversation before.
func (s *Server) replace(conn *net.UnixConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		// Its owner closes it; this ends its reading for good.
		s.current.CloseRead()
	}
	s.current = conn
}

func (s *Server) isCurrent(conn *net.UnixConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current == conn
}

// processOf returns the peer's process identifier as this process sees it,
// zero when it is in a process namespace of its own.
func processOf(conn *net.UnixConn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("asking for the peer: %w", err)
	}
	var credentials *unix.Ucred
	var failure error
	err = raw.Control(func(fd uintptr) {
		credentials, failure = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, failure); err != nil {
		return 0, fmt.Errorf("asking for the peer: %w", err)
	}
	return uint32(credentials.Pid), nil
}
