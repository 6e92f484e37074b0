package proxies_test

import (
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
)

var gateway = types.NamespacedName{Namespace: "tenant", Name: "gw"}

// proxy answers like the admin port of a proxy: it holds an answer back until
// there is news.
type proxy struct {
	t      *testing.T
	server *httptest.Server

	mu     sync.Mutex
	report proxyconfig.Report
	news   chan struct{}
	// waiting counts the requests that are held back now.
	waiting int
	// down has every request refused, and refused counts these.
	down    bool
	refused int
	// stuck has every request wait for news, and fail has the next one that has waited
	// fail. answered counts the requests that were answered.
	stuck, fail bool
	answered    int
}

func newProxy(t *testing.T) *proxy {
	p := &proxy{t: t, news: make(chan struct{}), report: proxyconfig.Report{Sequence: 1, GatewayUID: "uid-1"}}
	p.server = httptest.NewTLSServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.server.Close)
	return p
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	if p.down || r.Header.Get("Authorization") != "Bearer secret" || r.URL.Path != "/v1/report" {
		p.refused++
		p.mu.Unlock()
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if p.stuck || r.URL.Query().Get("after") == strconv.FormatUint(p.report.Sequence, 10) {
		news := p.news
		p.waiting++
		p.mu.Unlock()
		select {
		case <-news:
		case <-r.Context().Done():
		}
		p.mu.Lock()
		p.waiting--
		if p.fail {
			p.fail = false
			p.mu.Unlock()
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
	}
	p.answered++
	data, err := json.Marshal(p.report)
	p.mu.Unlock()
	if err != nil {
		p.t.Error(err)
	}
	w.Write(data)
}

func (p *proxy) say(change func(*proxyconfig.Report)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report.Sequence++
	change(&p.report)
	close(p.news)
	p.news = make(chan struct{})
}

func (p *proxy) access() proxies.Access {
	return proxies.Access{
		GatewayUID: "uid-1", ServerName: "example.com",
		Authorities: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw}),
		Token:       func() string { return "secret" },
	}
}

func (p *proxy) port() int { return p.server.Listener.Addr().(*net.TCPAddr).Port }

func (p *proxy) tracker(changed chan<- types.NamespacedName) *proxies.Tracker {
	tracker := proxies.New(proxies.Options{
		Changed: func(key types.NamespacedName) { changed <- key },
		Port:    p.port(), Retry: time.Millisecond, Patience: impatience, Log: logr.Discard(),
	})
	p.t.Cleanup(tracker.Stop)
	return tracker
}

// followed is a Tracker that follows the proxy, with what it tells of.
func (p *proxy) followed() (*proxies.Tracker, chan types.NamespacedName) {
	p.t.Helper()
	changed := make(chan types.NamespacedName, 100)
	tracker := p.tracker(changed)
	if err := tracker.Sync(gateway, p.access(), pods); err != nil {
		p.t.Fatal(err)
	}
	return tracker, changed
}

// impatience is the patience of trackers that are to lose proxies soon.
const impatience = time.Millisecond

var pods = []proxies.Pod{{Name: "p1", UID: "1", Address: "127.0.0.1", Ready: true}, {Name: "p2", UID: "2"}}

// until waits for a Fleet that satisfies the condition.
func until(t *testing.T, tracker *proxies.Tracker, changed <-chan types.NamespacedName, what string, ok func(proxies.Fleet) bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !ok(tracker.Fleet(gateway)) {
		select {
		case key := <-changed:
			if key != gateway {
				t.Fatalf("%v has changed", key)
			}
		case <-deadline:
			t.Fatalf("waiting in vain for %s: %+v", what, tracker.Fleet(gateway))
		}
	}
}

func serves(hash string) func(proxies.Fleet) bool {
	return func(f proxies.Fleet) bool {
		return len(f) > 0 && f[0].Report != nil && f[0].Report.Hash == hash
	}
}

func TestTrackerFollowsAProxy(t *testing.T) {
	p := newProxy(t)
	tracker, changed := p.followed()
	until(t, tracker, changed, "a first report", serves(""))
	p.say(func(r *proxyconfig.Report) { r.Hash = "h1" })
	until(t, tracker, changed, "the hash", serves("h1"))
	if all, answering := tracker.Reporting(); all != 2 || answering != 1 {
		t.Errorf("%d pods, %d answer", all, answering)
	}
	if ready := tracker.Ready(); len(ready) != 0 {
		t.Errorf("got %v ready of a Gateway that is to have none", ready)
	}
	tracker.Want(gateway, 2)
	if ready := tracker.Ready(); len(ready) != 1 || ready[gateway] != 1 {
		t.Errorf("got %v ready, want 1", ready)
	}

	p.server.CloseClientConnections()
	p.say(func(r *proxyconfig.Report) { r.Hash = "h2" })
	until(t, tracker, changed, "a report after the connection broke", serves("h2"))

	tracker.Forget(gateway)
	if fleet := tracker.Fleet(gateway); fleet != nil {
		t.Errorf("forgotten, and still %+v", fleet)
	}
	p.idle()
}

// idle waits until nobody asks the proxy any more.
func (p *proxy) idle() {
	p.t.Helper()
	p.await("nobody to ask it", func() bool { return p.waiting == 0 })
}

// await waits until the proxy is in some state.
func (p *proxy) await(what string, is func() bool) {
	p.t.Helper()
	now := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return is()
	}
	for deadline := time.Now().Add(time.Minute); !now(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("waiting in vain for %s", what)
		}
	}
}

func TestTrackerLosesAProxy(t *testing.T) {
	p := newProxy(t)
	tracker, changed := p.followed()
	until(t, tracker, changed, "a first report", serves(""))
	p.setDown(true)
	p.server.CloseClientConnections()
	until(t, tracker, changed, "the loss", func(f proxies.Fleet) bool { return f[0].Report == nil })
}

// A pod that is replaced at the same name, or has got another address, is asked
// anew, and what the old one said is forgotten.
func TestTrackerSyncReplacesPods(t *testing.T) {
	p := newProxy(t)
	tracker, changed := p.followed()
	until(t, tracker, changed, "a first report", serves(""))
	if err := tracker.Sync(gateway, p.access(), []proxies.Pod{{Name: "p1", UID: "3"}}); err != nil {
		t.Fatal(err)
	}
	if fleet := tracker.Fleet(gateway); len(fleet) != 1 || fleet[0].UID != "3" || fleet[0].Report != nil {
		t.Errorf("got %+v", fleet)
	}
	p.idle()
}

func TestTrackerWithoutCertificate(t *testing.T) {
	p := newProxy(t)
	access := p.access()
	access.Authorities = nil
	if err := p.tracker(nil).Sync(gateway, access, pods); err == nil {
		t.Error("no error")
	}
}

func TestStopEndsEverything(t *testing.T) {
	p := newProxy(t)
	tracker, changed := p.followed()
	until(t, tracker, changed, "a first report", serves(""))
	tracker.Stop()
	p.idle()
	if err := tracker.Sync(gateway, p.access(), append(pods, proxies.Pod{Name: "p3", UID: "3", Address: "127.0.0.1"})); err != nil {
		t.Fatal(err)
	}
	tracker.Stop() // Returns at once: nothing was started.
}
