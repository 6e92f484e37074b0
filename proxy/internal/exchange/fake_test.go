package exchange

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// fake is the driver of a world: it writes down what it is told. Endpoints are
// numbered in the order in which they are first dialed.
type fake struct {
	log   strings.Builder
	quiet bool
	// exhausted: there are no sockets to be had. blocked: the client does not
	// read. stuck: backends do not.
	exhausted, blocked, stuck bool
	// most bounds the connections to backends, if it is not zero.
	most   int
	dialed []*balance.Endpoint
	// up is the connection that was dialed last.
	up     *fakeConn
	client *fakeConn
	// all are the connections that were dialed.
	all []*fakeConn
}

// fakeConn is one connection.
type fakeConn struct {
	fake *fake
	name string
	peer Peer
	// dead: it was closed. ended: the other side has closed it.
	dead, ended bool
	sent        strings.Builder
}

func (f *fake) note(format string, args ...any) {
	if !f.quiet {
		fmt.Fprintf(&f.log, format+"\n", args...)
	}
}

// open returns how many connections to backends there are.
func (f *fake) open() (n int) {
	for _, c := range f.all {
		if !c.dead {
			n++
		}
	}
	return n
}

func (f *fake) Dial(e *balance.Endpoint, _ *tls.Config, header []byte, b Backend) Transport {
	if f.exhausted || f.most > 0 && f.open() >= f.most {
		f.note("no socket")
		return nil
	}
	if !slices.Contains(f.dialed, e) {
		f.dialed = append(f.dialed, e)
	}
	f.note("dial %d", slices.Index(f.dialed, e)+1)
	f.up = &fakeConn{fake: f, name: "upstream", peer: b}
	f.all = append(f.all, f.up)
	if len(header) > 0 {
		f.note("header %q", header)
	}
	return f.up
}

func (c *fakeConn) Write(b []byte) bool {
	if !c.fake.quiet {
		c.sent.Write(b)
		c.fake.note("%s <- %s", c.name, brief(b))
	}
	if c.name == "upstream" {
		return !c.fake.stuck
	}
	return !c.fake.blocked
}

func (c *fakeConn) end(how string) {
	c.dead = true
	c.fake.note("%s %s", how, c.name)
}

func (c *fakeConn) Resume()               {}
func (c *fakeConn) Shutdown()             { c.fake.note("shutdown %s", c.name) }
func (c *fakeConn) Close()                { c.end("close") }
func (c *fakeConn) Drop()                 { c.end("drop") }
func (c *fakeConn) Abort()                { c.end("abort") }
func (c *fakeConn) Silent(Look) bool      { return !c.dead && !c.ended }
func (c *fakeConn) Local() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.9:80") }
func (c *fakeConn) Become(p Peer)         { c.peer = p }

// brief is the first line of a head and what follows its fields, or the whole
// of anything else.
func brief(b []byte) string {
	head, rest, ok := strings.Cut(string(b), "\r\n\r\n")
	if line, _, _ := strings.Cut(head, "\r\n"); ok && strings.Contains(line, "HTTP/1.1") {
		closing := ""
		if strings.Contains(head, "Connection: close") {
			closing = " (close)"
		}
		return fmt.Sprintf("%s%s %q", line, closing, rest)
	}
	return fmt.Sprintf("%q", b)
}

// world is a client's connection with a fake driver and a configuration.
type world struct {
	loop     *Loop
	conn     *http1Client
	fake     *fake
	draining atomic.Bool
	done     []traffic.Done
}

func (w *world) RequestDone(d *traffic.Done) { w.done = append(w.done, *d) }

const port = 80

func newWorld(endpoints int, timeouts *proxyconfig.Timeouts) *world {
	return newWorldOf(endpoints, proxyconfig.Rule{Timeouts: timeouts})
}

// newWorldOf serves a rule that has all but its match and backend.
func newWorldOf(endpoints int, rule proxyconfig.Rule) *world {
	return newWorldBy(proxyconfig.BackendHTTP1, endpoints, rule)
}

// newWorldBy speaks a protocol with the backend.
func newWorldBy(protocol string, endpoints int, rule proxyconfig.Rule) *world {
	return newWorldUnder(nil, protocol, endpoints, rule)
}

// newWorldUnder has a policy for the backend.
func newWorldUnder(policy *proxyconfig.Policy, protocol string, endpoints int, rule proxyconfig.Rule) *world {
	return newWorldAround(proxyconfig.Backend{Protocol: protocol, Policy: policy}, endpoints, rule)
}

// newWorldAround has a backend that is all but its name and endpoints.
func newWorldAround(backend proxyconfig.Backend, endpoints int, rule proxyconfig.Rule) *world {
	rule.Matches = []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/"}}}
	rule.Backends = []proxyconfig.BackendRef{{Backend: "ns/b:80", Weight: 1}}
	backend.ID, backend.Namespace, backend.Service, backend.Port = "ns/b:80", "ns", "b", 80
	for i := range endpoints {
		backend.Endpoints = append(backend.Endpoints, proxyconfig.Endpoint{Address: fmt.Sprintf("10.0.0.%d", i+1), Port: 80})
	}
	s, _ := snapshot.Compile(snapshot.Input{
		Document: &proxyconfig.Document{},
		Registry: balance.NewRegistry(balance.Options{}),
		Config: &proxyconfig.Config{
			Listeners: []proxyconfig.Listener{{Name: "l", Port: port, Protocol: proxyconfig.HTTP}},
			Backends:  []proxyconfig.Backend{backend},
			Routes: []proxyconfig.Route{{
				Kind: "HTTPRoute", Namespace: "ns", Name: "r",
				Attachments: []proxyconfig.Attachment{{Listener: "l", Hostnames: []string{"a"}}},
				Rules:       []proxyconfig.Rule{rule},
			}},
		},
	})
	s.Commit()
	w := &world{fake: &fake{}}
	var current atomic.Pointer[snapshot.Snapshot]
	current.Store(s)
	w.loop = NewLoop(Options{Snapshot: &current, Observer: w, Draining: &w.draining, Epoch: time.Unix(0, 0)})
	w.loop.SetDialer(w.fake)
	w.fake.client = &fakeConn{fake: w.fake, name: "client"}
	w.conn = w.loop.Accept(w.fake.client, Origin{Client: netip.MustParseAddrPort("192.0.2.1:1000"), Port: port}).(*http1Client)
	return w
}

// another returns a connection of another client.
func (w *world) another() Peer {
	c := &fakeConn{fake: w.fake, name: "another client"}
	return w.loop.Accept(c, Origin{Client: netip.MustParseAddrPort("192.0.2.2:1000"), Port: port})
}

// wants compares what the driver was told since the last call.
func (w *world) wants(t *testing.T, lines ...string) {
	t.Helper()
	if got, want := w.fake.log.String(), strings.Join(append(lines, ""), "\n"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	w.fake.log.Reset()
}

func (w *world) client(s string)    { w.conn.Data([]byte(s)) }
func (w *world) backend() *fakeConn { return w.fake.up }
func (w *world) connected()         { w.fake.up.peer.(Backend).Connected() }
func (w *world) upstream(s string)  { w.fake.up.peer.Data([]byte(s)) }
func (w *world) upstreamEnds(err error) {
	w.fake.up.ended = true
	w.fake.up.peer.Ended(err)
}

func (w *world) pass(d time.Duration) {
	w.loop.SetNow(w.loop.Now() + int64(d))
	w.conn.Tick()
}
