package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/time/rate"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/node"
)

// How long a session waits for its sensor, which says something every few
// seconds, and for an answer to be taken.
const (
	idle    = time.Minute
	patient = 10 * time.Second
)

// What a sensor may ask for by the second, and at once. Who asks for more waits.
const (
	requestsPerSecond = 20
	requestsAtOnce    = 2 * node.MaxEndpoints / node.EndpointsPerFrame
	readsPerSecond    = 2
	readsAtOnce       = 4
)

// session answers the requests of one sensor from the programs of its pod.
type session struct {
	conn     net.Conn
	in       *bufio.Reader
	out      *bufio.Writer
	programs Programs

	requests, reads *rate.Limiter
	// told are the endpoints so far of those that are not told to their end.
	told []probe.Endpoint
}

func newSession(conn net.Conn, in *bufio.Reader, programs Programs) *session {
	return &session{
		conn: conn, in: in, out: bufio.NewWriter(conn), programs: programs,
		requests: rate.NewLimiter(requestsPerSecond, requestsAtOnce),
		reads:    rate.NewLimiter(readsPerSecond, readsAtOnce),
	}
}

// run answers until the sensor goes away or ctx is done.
func (s *session) run(ctx context.Context) error {
	welcome := node.Welcome{
		Basic: s.programs.Basic(), Options: s.programs.OptionsAttached(), Facts: s.programs.FactsAttached(),
	}
	if err := s.say(node.KindWelcome, welcome); err != nil {
		return err
	}
	for {
		if err := s.conn.SetReadDeadline(time.Now().Add(idle)); err != nil {
			return fmt.Errorf("setting the deadline: %w", err)
		}
		kind, payload, err := node.Read(s.in, node.MaxFrame)
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a request: %w", err)
		}
		if err := s.answer(ctx, kind, payload); err != nil {
			return err
		}
	}
}

// answer does what a request asks for. What the kernel has against it is told
// to the sensor; the error is one that ends the session.
func (s *session) answer(ctx context.Context, kind node.Kind, payload []byte) error {
	if err := s.requests.Wait(ctx); err != nil {
		return err
	}
	var done node.Done
	var failure, err error
	switch kind {
	case node.KindPing:
	case node.KindEndpoints:
		failure, err = s.endpoints(payload)
	case node.KindForget:
		failure, err = s.forget(payload)
	case node.KindRead:
		if err = s.reads.Wait(ctx); err == nil {
			done.Overflow, failure, err = s.read()
		}
	default:
		err = fmt.Errorf("%w: of unknown kind %d", node.ErrMalformed, kind)
	}
	if err != nil {
		return err
	}
	if failure != nil {
		done.Failure = failure.Error()
	}
	return s.say(node.KindDone, done)
}

func (s *session) endpoints(payload []byte) (failure, err error) {
	var part node.Endpoints
	if err := node.Decode(payload, &part); err != nil {
		return nil, err
	}
	if len(s.told)+len(part.Endpoints) > node.MaxEndpoints {
		return nil, fmt.Errorf("%w: more than %d endpoints", node.ErrMalformed, node.MaxEndpoints)
	}
	s.told = append(s.told, part.Endpoints...)
	if !part.Last {
		return nil, nil
	}
	failure = s.programs.SetEndpoints(s.told)
	s.told = nil
	return failure, nil
}

func (s *session) forget(payload []byte) (failure, err error) {
	var gone node.Forget
	if err := node.Decode(payload, &gone); err != nil {
		return nil, err
	}
	backends := make(map[uint32]bool, len(gone.Backends))
	for _, id := range gone.Backends {
		backends[id] = true
	}
	return s.programs.Clear(func(id uint32) bool { return backends[id] }), nil
}

// read sends the flows.
func (s *session) read() (overflow uint64, failure, err error) {
	if err := s.deadline(); err != nil {
		return 0, nil, err
	}
	var buffer []byte
	failure = s.programs.Flows(func(key bpf.L4FlowKey, f *bpf.L4Flow) {
		if err != nil {
			return
		}
		if buffer, err = node.EncodeFlow(buffer[:0], key, f); err == nil {
			err = node.Write(s.out, node.KindFlow, buffer)
		}
	})
	if failure != nil || err != nil {
		return 0, failure, err
	}
	overflow, failure = s.programs.Overflow()
	return overflow, failure, nil
}

func (s *session) say(kind node.Kind, message any) error {
	if err := s.deadline(); err != nil {
		return err
	}
	if err := node.WriteMessage(s.out, kind, message); err != nil {
		return fmt.Errorf("answering: %w", err)
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("answering: %w", err)
	}
	return nil
}

func (s *session) deadline() error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(patient)); err != nil {
		return fmt.Errorf("setting the deadline: %w", err)
	}
	return nil
}
