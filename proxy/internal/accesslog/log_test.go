package accesslog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

func sampleDone() *traffic.Done {
	return &traffic.Done{
		Rule: &snapshot.Rule{Listener: &snapshot.Listener{Name: "http", Port: 80}, Index: 2,
			Route: snapshot.RouteID{Kind: "HTTPRoute", Namespace: "shop", Name: "cart"}},
		Port:     80,
		Endpoint: &balance.Endpoint{Addr: netip.MustParseAddrPort("10.0.0.1:8080"), Cluster: &balance.Cluster{ID: "shop/cart:80"}},
		Start:    time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC), Duration: 1500 * time.Microsecond, Upstream: time.Millisecond,
		Status: 503, Method: probe.MethodGet, Flags: probe.FlagRetried | probe.FlagUpstreamFailed, Attempts: 2,
		RequestBytes: 3, ResponseBytes: 4, Client: netip.MustParseAddrPort("[fd00::1]:99"),
		RawMethod: []byte("GET"), Host: []byte("a.example"), Target: []byte("/x?y=\"1\""), UserAgent: []byte("curl/8"), RequestID: []byte("id-1"),
	}
}

// logged is a request with its line.
type logged struct {
	format Format
	done   *traffic.Done
	want   string
}

func TestLines(t *testing.T) {
	tests := []logged{
		{JSON, sampleDone(), `{"time":"2030-01-02T03:04:05.000006Z","client":"[fd00::1]:99","method":"GET","host":"a.example","target":"/x",` +
			`"protocol":"HTTP/1.1","status":503,"durationMicros":1500,"upstreamMicros":1000,"requestBytes":3,"responseBytes":4,"port":80,` +
			`"listener":"http","routeNamespace":"shop","route":"cart","rule":2,"backend":"shop/cart:80","endpoint":"10.0.0.1:8080",` +
			`"attempts":2,"flags":"retried,upstream-failed","userAgent":"curl/8","requestID":"id-1"}` + "\n"},
		{Text, sampleDone(), `time="2030-01-02T03:04:05.000006Z" client="[fd00::1]:99" method="GET" host="a.example" target="/x" ` +
			`protocol="HTTP/1.1" status=503 durationMicros=1500 upstreamMicros=1000 requestBytes=3 responseBytes=4 port=80 ` +
			`listener="http" routeNamespace="shop" route="cart" rule=2 backend="shop/cart:80" endpoint="10.0.0.1:8080" ` +
			`attempts=2 flags="retried,upstream-failed" userAgent="curl/8" requestID="id-1"` + "\n"},
		{JSON, &traffic.Done{Status: 404, Port: 81, Flags: probe.FlagNoRoute}, `{"time":"0001-01-01T00:00:00.000000Z","protocol":"HTTP/1.1","status":404,` +
			`"durationMicros":0,"upstreamMicros":0,"requestBytes":0,"responseBytes":0,"port":81,"attempts":0,"flags":"no-route"}` + "\n"},
		{JSON, &traffic.Done{Status: 200, TraceID: [16]byte{0x4b, 15: 0xfe}}, `{"time":"0001-01-01T00:00:00.000000Z","protocol":"HTTP/1.1","status":200,` +
			`"durationMicros":0,"upstreamMicros":0,"requestBytes":0,"responseBytes":0,"port":0,"attempts":0,"traceID":"4b0000000000000000000000000000fe"}` + "\n"},
	}
	slow := &traffic.Done{
		Status: 200, Slow: true,
		ClientSocket:  traffic.Socket{Known: true, RTT: 80 * time.Millisecond, Retransmitted: 3, Waited: true, Wait: 2 * time.Second},
		BackendSocket: traffic.Socket{Known: true, RTT: time.Millisecond},
	}
	quick := *slow
	quick.Slow = false
	for _, test := range append(tests, []logged{
		{Text, slow, `time="0001-01-01T00:00:00.000000Z" protocol="HTTP/1.1" status=200 durationMicros=0 upstreamMicros=0 requestBytes=0 ` +
			`responseBytes=0 port=0 attempts=0 clientAcceptMicros=2000000 clientRTTMicros=80000 clientRetransmits=3 ` +
			`backendRTTMicros=1000 backendRetransmits=0` + "\n"},
		{Text, &quick, `time="0001-01-01T00:00:00.000000Z" protocol="HTTP/1.1" status=200 durationMicros=0 upstreamMicros=0 requestBytes=0 ` +
			`responseBytes=0 port=0 attempts=0` + "\n"},
	}...) {
		if got := string(appendLine(nil, test.format, test.done)); got != test.want {
			t.Errorf("got:\n%swant:\n%s", got, test.want)
		}
	}
}

// hostile are texts that would split or fake a line if they were written as
// they are.
func hostile() []string {
	return []string{
		"a\nb", "a\r\n{\"status\":200}", `","status":200,"x":"`, `\`, `\"`, "\x00\x1b[31m", "\x7f", "\u0085\u009b31m", "\u2028\u2029",
		"\xff\xfe", "é✓", "\xc2", strings.Repeat("\x01", 5000), strings.Repeat("é", 3000), "\ud7ff\ue000",
	}
}

func checkLine(t *testing.T, got []byte) {
	t.Helper()
	if len(got) > maxLine {
		t.Errorf("a line of %d bytes", len(got))
	}
	if !utf8.Valid(got) {
		t.Errorf("not UTF-8: %q", got)
	}
	inner := got[:len(got)-1]
	for _, r := range string(inner) {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			t.Errorf("control character %U in %q", r, got)
		}
	}
}

func TestClientsCannotForgeLines(t *testing.T) {
	for _, text := range hostile() {
		d := sampleDone()
		d.RawMethod, d.Host, d.Target, d.UserAgent, d.RequestID = []byte(text), []byte(text), []byte(text), []byte(text), []byte(text)
		checkLine(t, appendLine(nil, Text, d))
		got := appendLine(nil, JSON, d)
		checkLine(t, got)
		var fields map[string]any
		if err := json.Unmarshal(got, &fields); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if fields["status"] != 503.0 || len(fields) != 22 {
			t.Errorf("%q: forged: %v", text, fields)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, text := range hostile() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := &traffic.Done{Target: text, UserAgent: text}
		checkLine(t, appendLine(nil, Text, d))
		got := appendLine(nil, JSON, d)
		checkLine(t, got)
		if !json.Valid(got) {
			t.Errorf("not JSON: %q", got)
		}
	})
}

// gate is a writer that waits to be let through.
type gate struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	err  error
	open chan struct{}
	// entered is told of every write that waits.
	entered chan struct{}
}

func newGate() *gate { return &gate{open: make(chan struct{}), entered: make(chan struct{}, 1000)} }

func (g *gate) Write(p []byte) (int, error) {
	g.entered <- struct{}{}
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return 0, g.err
	}
	return g.buf.Write(p)
}

func start(t *testing.T, out *gate, loops int) (*Log, func()) {
	l := New(Options{Mode: Mode{JSON, 100}, Out: out, Loops: loops, Flush: time.Millisecond, Log: logr.Discard()})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { l.Run(ctx) })
	return l, func() { cancel(); wg.Wait() }
}

func TestEveryLineComesOutOnce(t *testing.T) {
	out := newGate()
	close(out.open)
	l, stop := start(t, out, 3)
	var wg sync.WaitGroup
	const each = 50 // far from filling a buffer
	for loop := range 3 {
		wg.Go(func() {
			for i := range each {
				d := sampleDone()
				d.RequestID = fmt.Append(nil, loop, "-", i)
				l.Observer(loop).RequestDone(d)
			}
		})
	}
	wg.Wait()
	stop()
	seen := map[string]bool{}
	for line := range strings.Lines(out.buf.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		seen[fields["requestID"].(string)] = true
	}
	if len(seen) != 3*each || l.Dropped() != 0 {
		t.Errorf("got %d lines and %d dropped, want %d and 0", len(seen), l.Dropped(), 3*each)
	}
}

func TestASlowWriterDropsLinesAndNeverBlocks(t *testing.T) {
	out := newGate()
	l, stop := start(t, out, 1)
	const requests = 5000
	d := sampleDone()
	for range requests {
		l.Observer(0).RequestDone(d) // would hang here if it waited for the writer
	}
	<-out.entered
	close(out.open)
	stop()
	written := uint64(strings.Count(out.buf.String(), "\n"))
	if l.Dropped() == 0 || written+l.Dropped() != requests {
		t.Errorf("%d written and %d dropped of %d", written, l.Dropped(), requests)
	}
}

func TestLinesThatCannotBeWrittenAreCounted(t *testing.T) {
	out := newGate()
	close(out.open)
	out.err = errors.New("broken pipe")
	l, stop := start(t, out, 1)
	for range 7 {
		l.Observer(0).RequestDone(sampleDone())
	}
	stop()
	if l.Dropped() != 7 {
		t.Errorf("got %d dropped, want 7", l.Dropped())
	}
	if (*Log)(nil).Dropped() != 0 {
		t.Error("a log that is off dropped lines")
	}
}

func TestRequestDoneAllocatesNothing(t *testing.T) {
	l := New(Options{Mode: Mode{JSON, 100}, Loops: 1})
	o, d := l.Observer(0), sampleDone()
	o.RequestDone(d)
	if n := testing.AllocsPerRun(100, func() { o.RequestDone(d) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func BenchmarkRequestDone(b *testing.B) {
	l := New(Options{Mode: Mode{JSON, 100}, Loops: 1})
	o, d := l.loops[0], sampleDone()
	b.ReportAllocs()
	for b.Loop() {
		o.RequestDone(d)
		if len(o.buf) > bufferBytes/2 {
			o.take()
		}
	}
}

func TestParseFormat(t *testing.T) {
	for name, want := range map[string]Format{"off": Off, "json": JSON, "text": Text} {
		if got, err := ParseFormat(name); err != nil || got != want {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if _, err := ParseFormat("xml"); err == nil {
		t.Error("xml was accepted")
	}
}
