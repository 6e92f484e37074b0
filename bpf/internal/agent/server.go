package agent

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/bpf/internal/cgroup"
	"github.com/fleetgate/fleetgate/bpf/internal/node"
)

// greeting bounds the time that a stranger has to say who it is.
const greeting = 5 * time.Second

// refusal is why a sensor is refused: what it is told, and the metric's label.
type refusal struct{ label, text string }

func (r *refusal) Error() string { return r.text }

// The refusals.
var (
	refusedBusy      = &refusal{"busy", "the agent has too much to do at the moment"}
	refusedVersion   = &refusal{"version", "the agent is of another version than the sensor"}
	refusedToken     = &refusal{"token", ErrNotAuthenticated.Error()}
	refusedReview    = &refusal{"review", "the API server could not be asked"}
	refusedNode      = &refusal{"node", "the pod is of another node"}
	refusedFull      = &refusal{"full", "the agent counts for as many pods as it can"}
	refusedCgroup    = &refusal{"cgroup", "the pod's cgroup was not found"}
	refusedKernel    = &refusal{"kernel", "the kernel does not load or attach the programs"}
	refusedMalformed = &refusal{"malformed", "the greeting is malformed"}
)

// ServerOptions are what a Server needs.
type ServerOptions struct {
	// Node is the name of the node that the process runs on.
	Node string
	// CgroupRoot is where the node's cgroup v2 hierarchy is mounted.
	CgroupRoot string
	// Certificate is the server's, which may change.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Reviewer    Reviewer
	Kernel      Kernel
	Log         logr.Logger
}

// Server counts for the sensors that connect to it.
type Server struct {
	options ServerOptions
	door    *door
	pods    *pods
	refused *refusals
}

// NewServer returns a Server.
func NewServer(o ServerOptions) *Server {
	return &Server{options: o, door: newDoor(), pods: &pods{sessions: map[string]*place{}}, refused: newRefusals()}
}

// Serve serves the connections of the listener until ctx is done, and closes it.
// All sessions have ended, and their programs are gone, when it returns.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	var sessions sync.WaitGroup
	defer sessions.Wait()
	defer listener.Close()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	config := &tls.Config{
		GetCertificate: s.options.Certificate, MinVersion: tls.VersionTLS13, NextProtos: []string{node.Protocol},
	}
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("accepting sensors: %w", err)
		}
		from := addressOf(conn)
		if !s.door.enter(from) {
			s.refused.count(refusedBusy)
			conn.Close()
			continue
		}
		sessions.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { conn.Close() })()
			s.receive(ctx, tls.Server(conn, config), from)
		})
	}
}

// addressOf is the zero address for one that is none of IP.
func addressOf(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// receive finds out who has come, and gives it its session.
func (s *Server) receive(ctx context.Context, conn *tls.Conn, from netip.Addr) {
	in := bufio.NewReader(conn)
	hello, id, err := s.recognize(ctx, conn, in, from)
	s.door.leave(from)
	if err == nil {
		err = s.serve(ctx, conn, in, hello, id)
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	var refused *refusal
	if errors.As(err, &refused) {
		s.refused.count(refused)
		conn.SetDeadline(time.Now().Add(time.Second))
		node.WriteMessage(conn, node.KindRefusal, node.Refusal{Reason: refused.text})
	}
	s.options.Log.Info("Ended with a sensor", "address", from.String(), "pod", id.String(), "reason", err.Error())
}

// recognize reads the greeting and has its token reviewed.
func (s *Server) recognize(ctx context.Context, conn *tls.Conn, in *bufio.Reader, from netip.Addr) (hello node.Hello, id Identity, err error) {
	if err := conn.SetDeadline(time.Now().Add(greeting)); err != nil {
		return hello, id, fmt.Errorf("setting the deadline: %w", err)
	}
	kind, payload, err := node.Read(in, node.MaxHello)
	if err == nil && kind != node.KindHello {
		err = node.ErrMalformed
	}
	if err == nil {
		err = node.Decode(payload, &hello)
	}
	switch {
	case errors.Is(err, node.ErrMalformed):
		return hello, id, refusedMalformed
	case err != nil:
		return hello, id, fmt.Errorf("reading the greeting: %w", err)
	case hello.Version != node.Version:
		return hello, id, refusedVersion
	case !s.door.mayAsk(from):
		return hello, id, refusedBusy
	}
	id, err = s.options.Reviewer.Review(ctx, hello.Token)
	switch {
	case errors.Is(err, ErrNotAuthenticated):
		return hello, id, refusedToken
	case err != nil:
		s.options.Log.Error(err, "Cannot have a token reviewed")
		return hello, id, refusedReview
	case id.Node != s.options.Node:
		return hello, id, refusedNode
	}
	return hello, id, nil
}

// serve loads what counts for the pod, and answers its sensor until that goes.
func (s *Server) serve(ctx context.Context, conn *tls.Conn, in *bufio.Reader, hello node.Hello, id Identity) error {
	taken := s.pods.claim(id.UID, conn)
	if taken == nil {
		return refusedFull
	}
	defer s.pods.leave(id.UID, taken)
	programs, err := s.attach(hello, id)
	if err != nil {
		return err
	}
	defer func() {
		if err := programs.Close(); err != nil {
			s.options.Log.Error(err, "Detached incompletely", "pod", id.String())
		}
	}()
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("clearing the deadline: %w", err)
	}
	s.options.Log.Info("Counting for a pod", "pod", id.String(), "uid", id.UID)
	return newSession(conn, in, programs).run(ctx)
}

// attach finds the pod's cgroup, and in it the proxy's, and attaches to it.
func (s *Server) attach(hello node.Hello, id Identity) (Programs, error) {
	search := cgroup.Search{Root: s.options.CgroupRoot, PodUID: id.UID, Path: hello.CgroupPath, ID: hello.Cgroup}
	dir, err := search.Find()
	if err != nil {
		s.options.Log.Info("Did not find a pod's cgroup", "pod", id.String(), "reason", err.Error())
		return nil, refusedCgroup
	}
	defer dir.Close()
	programs, err := s.verified(dir)
	if err != nil {
		s.options.Log.Error(err, "Cannot count for a pod", "pod", id.String())
		return nil, refusedKernel
	}
	return programs, nil
}

func (s *Server) verified(dir *os.File) (Programs, error) {
	if _, err := cgroup.Verify(dir); err != nil {
		return nil, err
	}
	return s.options.Kernel.Attach(dir)
}
