package remote

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/node"
)

// ErrAway says that there is no session with the agent.
var ErrAway = errors.New("the node's agent is away")

const (
	// firstRetry is the pause before trying again; it doubles up to lastRetry.
	firstRetry = time.Second
	lastRetry  = 15 * time.Second
	// pingEvery is how soon it is seen that the agent has gone.
	pingEvery = 10 * time.Second
)

// Proxy is whose connections are to be counted.
type Proxy struct {
	// Instance names the process: the flows are of one of them alone.
	Instance string
	// Cgroup is the identifier of its cgroup, zero if it is not known, and
	// CgroupPath the path of that as the process sees it.
	Cgroup     uint64
	CgroupPath string
}

// Options are what a Client needs.
type Options struct {
	// Address is the agent's.
	Address string
	// Token is the path of the token by which the agent knows the pod, and
	// Authorities that of the certificates that the agent may present.
	Token, Authorities string
	// Began is called when the agent has begun to count; nil is allowed.
	Began func()
	Log   logr.Logger
}

// Client has connections counted by the node's agent. It implements
// collect.Connections. All its methods are safe for concurrent use.
type Client struct {
	options Options
	changed chan struct{}

	// mu guards what is below.
	mu    sync.Mutex
	proxy Proxy
	// endpoints are not changed, but replaced; endpointsAt and forget say how
	// often, and what else is to be told.
	endpoints   []probe.Endpoint
	endpointsAt int
	forget      []uint32
	session     *session
	sessions    uint64
	overflow    uint64
}

// New returns a Client. It does nothing until Run is called.
func New(o Options) *Client { return &Client{options: o, changed: make(chan struct{}, 1)} }

// Follow says whose connections are to be counted. What was counted of another
// process is forgotten.
func (c *Client) Follow(p Proxy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proxy == p {
		return
	}
	c.proxy, c.endpoints, c.forget = p, nil, nil
	c.endpointsAt++
	if c.session != nil {
		c.session.close()
	}
	c.notify()
}

// SetEndpoints says which backends addresses belong to. The slice must not be
// changed afterwards.
func (c *Client) SetEndpoints(endpoints []probe.Endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endpoints = endpoints
	c.endpointsAt++
	c.notify()
}

// Forget says that the backends are no more.
func (c *Client) Forget(backends []uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return // An agent that is met later has nothing to forget.
	}
	c.forget = append(c.forget, backends...)
	c.notify()
}

func (c *Client) notify() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Attached says what the agent counts, and in which session since the client began;
// zero if it does not.
func (c *Client) Attached() (welcome node.Welcome, session uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil || c.session.ended() {
		return node.Welcome{}, 0
	}
	return c.session.welcome, c.sessions
}

// Settle does nothing: the agent is in another network namespace, so that it
// does not see what is open in this one.
func (c *Client) Settle() error { return nil }

// Flows calls fn for each flow. The flow is valid only during the call.
func (c *Client) Flows(fn func(bpf.L4FlowKey, *bpf.L4Flow)) error {
	s := c.current()
	if s == nil {
		return ErrAway
	}
	overflow, err := s.read(fn)
	if err != nil {
		c.notify()
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.overflow = overflow
	return nil
}

// Overflow returns how many events had found no room for a flow of their own
// when the flows were read last.
func (c *Client) Overflow() (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.overflow, nil
}

func (c *Client) current() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Run keeps a session until ctx is done.
func (c *Client) Run(ctx context.Context) error {
	retry, reason := firstRetry, ""
	for ctx.Err() == nil {
		proxy := c.followed()
		if proxy.Instance == "" {
			c.pause(ctx, lastRetry)
			continue
		}
		joined, err := c.meet(ctx, proxy)
		if joined {
			retry, reason = firstRetry, ""
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		// An agent that stays away is told of once.
		if text := err.Error(); text != reason {
			c.options.Log.Info("Counting connections without the node's agent", "reason", text)
			reason = text
		}
		select {
		case <-time.After(retry + rand.N(retry/2)):
		case <-ctx.Done():
		}
		retry = min(2*retry, lastRetry)
	}
	return nil
}

func (c *Client) followed() Proxy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proxy
}

// pause waits for something to tell.
func (c *Client) pause(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-c.changed:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// meet has one session for the proxy, and says whether it came to be. The error
// is nil when it has ended for a new proxy.
func (c *Client) meet(ctx context.Context, proxy Proxy) (joined bool, err error) {
	s, err := join(ctx, c.options, proxy)
	if err != nil {
		return false, err
	}
	defer s.close()
	defer context.AfterFunc(ctx, s.close)()
	if !c.begin(s, proxy) {
		return false, nil
	}
	defer c.end()
	if c.options.Began != nil {
		c.options.Began()
	}
	c.options.Log.Info("The node's agent counts connections", "basic", s.welcome.Basic)
	told := -1
	for {
		if c.followed() != proxy {
			return true, nil
		}
		if told, err = c.tell(s, told); err != nil {
			if c.followed() != proxy {
				return true, nil
			}
			return true, err
		}
		c.pause(ctx, pingEvery)
		if ctx.Err() != nil {
			return true, nil
		}
	}
}

// begin makes the session the one that is read, unless the proxy has changed.
func (c *Client) begin(s *session, proxy Proxy) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proxy != proxy {
		return false
	}
	c.session, c.overflow, c.forget = s, 0, nil
	c.sessions++
	return true
}

func (c *Client) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = nil
}

// tell brings the agent up to date with what has changed since the endpoints
// were told, and says which ones it knows now. It always asks for something, so
// that an agent that is gone is noticed.
func (c *Client) tell(s *session, told int) (int, error) {
	c.mu.Lock()
	endpoints, at, forget := c.endpoints, c.endpointsAt, c.forget
	c.forget = nil
	c.mu.Unlock()
	if at != told {
		if err := s.setEndpoints(endpoints); err != nil {
			return told, err
		}
	}
	for part := range slices.Chunk(forget, node.EndpointsPerFrame) {
		if err := s.call(node.KindForget, node.Forget{Backends: part}); err != nil {
			return at, err
		}
	}
	return at, s.call(node.KindPing, nil)
}
