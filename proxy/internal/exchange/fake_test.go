package exchange

import (
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

// fake is a Driver that writes down what it is told. It takes connections
// from results, and after those by reusing.
type fake struct {
	log     strings.Builder
	quiet   bool
	blocked bool
	results []Taken
	// taken are the endpoints in the order in which they were first taken,
	// which is how they are written down.
	taken []*balance.Endpoint
}

func (f *fake) note(format string, args ...any) {
	if !f.quiet {
		fmt.Fprintf(&f.log, format+"\n", args...)
	}
}

func (f *fake) WriteClient(b []byte) bool {
	if !f.quiet {
		f.note("client <- %s", brief(b))
	}
	return !f.blocked
}

func (f *fake) WriteUpstream(b []byte) bool {
	if !f.quiet {
		f.note("upstream <- %s", brief(b))
	}
	return true
}

func (f *fake) ShutdownClient()   { f.note("shutdown client") }
func (f *fake) CloseClient()      { f.note("close client") }
func (f *fake) AbortClient()      { f.note("abort client") }
func (f *fake) ShutdownUpstream() { f.note("shutdown upstream") }
func (f *fake) ReleaseUpstream()  { f.note("release upstream") }
func (f *fake) CloseUpstream()    { f.note("close upstream") }

func (f *fake) Take(e *balance.Endpoint, r Reuse) Taken {
	if f.quiet {
		return Reused
	}
	if !slices.Contains(f.taken, e) {
		f.taken = append(f.taken, e)
	}
	f.note("take %d %s", slices.Index(f.taken, e)+1, [...]string{"any", "checked", "new"}[r])
	if len(f.results) == 0 {
		return Reused
	}
	t := f.results[0]
	f.results = f.results[1:]
	return t
}

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

// world is a Conn with a fake driver and a configuration.
type world struct {
	loop     *Loop
	conn     Conn
	fake     *fake
	draining atomic.Bool
	done     []traffic.Done
}

func (w *world) RequestDone(d *traffic.Done) { w.done = append(w.done, *d) }

const port = 80

func newWorld(endpoints int, timeouts *proxyconfig.Timeouts) *world {
	backend := proxyconfig.Backend{ID: "ns/b:80", Namespace: "ns", Service: "b", Port: 80, Protocol: "http"}
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
				Rules: []proxyconfig.Rule{{
					Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/"}}},
					Backends: []proxyconfig.BackendRef{{Backend: "ns/b:80", Weight: 1}},
					Timeouts: timeouts,
				}},
			}},
		},
	})
	s.Commit()
	w := &world{fake: &fake{}}
	var current atomic.Pointer[snapshot.Snapshot]
	current.Store(s)
	w.loop = NewLoop(Options{Snapshot: &current, Observer: w, Draining: &w.draining, Epoch: time.Unix(0, 0)})
	w.conn.Init(w.loop, w.fake, netip.MustParseAddrPort("192.0.2.1:1000"), port, Plaintext)
	return w
}

// wants compares what the driver was told since the last call.
func (w *world) wants(t *testing.T, lines ...string) {
	t.Helper()
	if got, want := w.fake.log.String(), strings.Join(append(lines, ""), "\n"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	w.fake.log.Reset()
}

func (w *world) client(s string)   { w.conn.ClientData([]byte(s)) }
func (w *world) upstream(s string) { w.conn.UpstreamData([]byte(s)) }
func (w *world) pass(d time.Duration) {
	w.loop.SetNow(w.loop.Now() + int64(d))
	w.conn.Tick()
}
