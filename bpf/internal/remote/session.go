package remote

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/node"
)

const (
	// timeout bounds each request. That for the greeting is longer, as agents
	// load programs for one sensor after the other.
	timeout  = 5 * time.Second
	greeting = 30 * time.Second
)

// session is one connection with the agent. Its methods are safe for concurrent
// use; requests follow one another. After an error it has ended.
type session struct {
	conn    *tls.Conn
	welcome node.Welcome
	over    atomic.Bool

	mu sync.Mutex
	in *bufio.Reader
}

// join connects to the agent and waits until it counts.
func join(ctx context.Context, o Options, p Proxy) (*session, error) {
	config, err := trust(o.Authorities)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(o.Token)
	if err != nil {
		return nil, fmt.Errorf("reading the token for the node's agent: %w", err)
	}
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: timeout}, Config: config}
	ctx, cancel := context.WithTimeout(ctx, greeting)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("connecting to the node's agent: %w", err)
	}
	s := &session{conn: conn.(*tls.Conn), in: bufio.NewReader(conn)}
	hello := node.Hello{
		Version: node.Version, Token: strings.TrimSpace(string(token)), Cgroup: p.Cgroup, CgroupPath: p.CgroupPath,
	}
	if err := s.greet(ctx, hello); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// trust is read for each connection, as certificates are replaced in time.
func trust(path string) (*tls.Config, error) {
	authorities, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the agent's authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, errors.New("the agent's authorities are none")
	}
	return &tls.Config{
		RootCAs: pool, ServerName: probe.NodeAgentName, MinVersion: tls.VersionTLS13, NextProtos: []string{node.Protocol},
	}, nil
}

func (s *session) greet(ctx context.Context, hello node.Hello) error {
	defer context.AfterFunc(ctx, s.close)()
	if err := s.conn.SetDeadline(time.Now().Add(greeting)); err != nil {
		return fmt.Errorf("setting the deadline: %w", err)
	}
	if err := node.WriteMessage(s.conn, node.KindHello, hello); err != nil {
		return fmt.Errorf("greeting the node's agent: %w", err)
	}
	kind, payload, err := node.Read(s.in, node.MaxFrame)
	if err != nil {
		return fmt.Errorf("waiting for the node's agent: %w", err)
	}
	switch kind {
	case node.KindWelcome:
		return node.Decode(payload, &s.welcome)
	case node.KindRefusal:
		var refusal node.Refusal
		if err := node.Decode(payload, &refusal); err != nil {
			return err
		}
		return fmt.Errorf("the node's agent refuses: %.200q", refusal.Reason)
	}
	return fmt.Errorf("%w: of kind %d instead of a welcome", node.ErrMalformed, kind)
}

// close ends the session. It may be called more than once.
func (s *session) close() {
	if !s.over.Swap(true) {
		// Closing by TLS would wait for one who is not there.
		s.conn.NetConn().Close()
	}
}

func (s *session) ended() bool { return s.over.Load() }

// setEndpoints tells all addresses of backends. What does not fit is left out,
// so that what belongs to it is counted as of no backend.
func (s *session) setEndpoints(endpoints []probe.Endpoint) error {
	endpoints = endpoints[:min(len(endpoints), node.MaxEndpoints)]
	for {
		n := min(len(endpoints), node.EndpointsPerFrame)
		part := node.Endpoints{Endpoints: endpoints[:n], Last: n == len(endpoints)}
		if err := s.call(node.KindEndpoints, part); err != nil || part.Last {
			return err
		}
		endpoints = endpoints[n:]
	}
}

// call makes a request whose answer holds nothing.
func (s *session) call(kind node.Kind, message any) error {
	_, err := s.request(kind, message, func(bpf.L4FlowKey, *bpf.L4Flow) {})
	return err
}

// read calls fn for each flow.
func (s *session) read(fn func(bpf.L4FlowKey, *bpf.L4Flow)) (overflow uint64, err error) {
	done, err := s.request(node.KindRead, nil, fn)
	return done.Overflow, err
}

// request makes a request and takes its answer, calling fn for each flow in it.
func (s *session) request(kind node.Kind, message any, fn func(bpf.L4FlowKey, *bpf.L4Flow)) (done node.Done, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := s.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return done, fmt.Errorf("setting the deadline: %w", err)
	}
	if err := node.WriteMessage(s.conn, kind, message); err != nil {
		return done, fmt.Errorf("asking the node's agent: %w", err)
	}
	for {
		kind, payload, err := node.Read(s.in, node.MaxFrame)
		if err != nil {
			return done, fmt.Errorf("waiting for the node's agent: %w", err)
		}
		if kind == node.KindFlow {
			key, flow, err := node.DecodeFlow(payload)
			if err != nil {
				return done, err
			}
			fn(key, flow)
			continue
		}
		if kind != node.KindDone {
			return done, fmt.Errorf("%w: of kind %d in an answer", node.ErrMalformed, kind)
		}
		return done, finish(payload, &done)
	}
}

func finish(payload []byte, done *node.Done) error {
	if err := node.Decode(payload, done); err != nil {
		return err
	}
	if done.Failure != "" {
		return fmt.Errorf("the node's agent: %.200q", done.Failure)
	}
	return nil
}
