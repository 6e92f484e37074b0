package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/accesslog"
	"github.com/fleetgate/fleetgate/proxy/internal/porttest"
)

// instance is a proxy that runs, with the directories that it reads.
type instance struct {
	t             *testing.T
	config, state string
	port          int
	health        string
	log           *safeBuffer
	terminate     context.CancelFunc
	finished      chan error
	grace         time.Duration
	watch         Watch
	client        *http.Client
	// logger is the proxy's own log, at a level.
	logger logr.Logger
	level  *slog.LevelVar
}

type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs a proxy on the directories of i, which may have run before.
func (i *instance) start() {
	i.t.Helper()
	addresses := make(chan Addresses, 1)
	ctx, cancel := context.WithCancel(i.t.Context())
	i.terminate, i.finished, i.log = cancel, make(chan error, 1), &safeBuffer{}
	options := Options{
		Gateway:   proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: "uid"},
		ConfigDir: i.config, StateDir: i.state, Watch: i.watch, Bind: netip.MustParseAddr("127.0.0.1"),
		HealthAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0", Loops: 1, DrainGrace: i.grace,
		AccessLog: accesslog.Text, AccessLogOut: i.log, AllowLoopbackBackends: true,
		Log: i.logger, LogLevel: i.level, Started: func(a Addresses) { addresses <- a },
	}
	go func() { i.finished <- Run(ctx, options) }()
	select {
	case a := <-addresses:
		i.health = "http://" + a.Health
	case err := <-i.finished:
		i.t.Fatalf("the proxy did not start: %v", err)
	}
}

// stop terminates the proxy and waits for its end.
func (i *instance) stop() {
	i.t.Helper()
	i.terminate()
	if err := <-i.finished; err != nil {
		i.t.Errorf("Run returned %v", err)
	}
}

func newInstance(t *testing.T) *instance {
	i := &instance{t: t, config: t.TempDir(), state: t.TempDir(), port: int(porttest.Free(t)), grace: time.Millisecond,
		client: &http.Client{Transport: &http.Transport{}}, logger: logr.Discard()}
	t.Cleanup(i.client.CloseIdleConnections)
	return i
}

// write puts a configuration into the directory that sends everything to the
// backends, by weight.
func (i *instance) write(revision int64, backends map[string]int32) {
	i.t.Helper()
	i.replace(i.document(revision, backends))
}

func (i *instance) document(revision int64, backends map[string]int32) []byte {
	i.t.Helper()
	return i.encode(revision, i.sending(backends))
}

// sending is a configuration that sends everything to the backends, by weight.
func (i *instance) sending(backends map[string]int32) *proxyconfig.Config {
	c := &proxyconfig.Config{
		Listeners: []proxyconfig.Listener{{Name: "http", Port: int32(i.port), Protocol: proxyconfig.HTTP}},
		Routes: []proxyconfig.Route{{Kind: "HTTPRoute", Namespace: "ns", Name: "all", Rules: []proxyconfig.Rule{{}},
			Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{""}}}}},
	}
	for address, weight := range backends {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			i.t.Fatal(err)
		}
		b := proxyconfig.Backend{ID: address, Namespace: "ns", Service: "s", Port: 80, Protocol: "http"}
		e := proxyconfig.Endpoint{Address: host}
		fmt.Sscan(port, &e.Port)
		b.Endpoints = append(b.Endpoints, e)
		c.Backends = append(c.Backends, b)
		rule := &c.Routes[0].Rules[0]
		rule.Backends = append(rule.Backends, proxyconfig.BackendRef{Backend: address, Weight: weight})
	}
	return c
}

func (i *instance) encode(revision int64, c *proxyconfig.Config) []byte {
	i.t.Helper()
	data, _, err := proxyconfig.Encode(proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: "uid"}, revision, c)
	if err != nil {
		i.t.Fatal(err)
	}
	return data
}

func (i *instance) replace(data []byte) {
	i.t.Helper()
	tmp := filepath.Join(i.config, ".tmp")
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		i.t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(i.config, proxyconfig.ConfigKey)); err != nil {
		i.t.Fatal(err)
	}
}

// get returns status and body, or status zero when there was no answer.
func (i *instance) get(url string) (int, string) {
	resp, err := i.client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

func (i *instance) url() string { return fmt.Sprintf("http://127.0.0.1:%d/", i.port) }

// await waits until the URL answers with a text in it.
func (i *instance) await(url, text string) {
	i.t.Helper()
	var body string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if _, body = i.get(url); strings.Contains(body, text) {
			return
		}
	}
	i.t.Fatalf("%s never said %q, but %q", url, text, body)
}

func backend(t *testing.T, name string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) }))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestLifeOfAProxy(t *testing.T) {
	one, two := backend(t, "one"), backend(t, "two")
	i := newInstance(t)
	i.start()
	if status, body := i.get(i.health + "/readyz"); status != 503 || body != "no configuration serves yet\n" {
		t.Errorf("before the configuration: got %d %q", status, body)
	}
	if status, _ := i.get(i.health + "/livez"); status != 200 {
		t.Errorf("livez: got %d", status)
	}

	i.write(1, map[string]int32{one: 1})
	i.await(i.url(), "one")
	if status, _ := i.get(i.health + "/readyz"); status != 200 {
		t.Errorf("with a configuration: got %d", status)
	}

	// A change of weights takes effect; what follows is refused, and is seen.
	i.write(2, map[string]int32{one: 0, two: 1})
	i.await(i.url(), "two")
	i.replace([]byte("{"))
	i.await(i.health+"/metrics", "fleetgate_proxy_config_last_reload_successful 0")
	i.await(i.health+"/metrics", `fleetgate_proxy_config_rejections_total{reason="malformed"} 1`)
	i.await(i.url(), "two")
	i.await(i.health+"/metrics", "fleetgate_proxy_config_revision 2")

	i.stop()
	if got := i.log.String(); !strings.Contains(got, `route="all"`) || !strings.Contains(got, "status=200") {
		t.Errorf("access log: %q", got)
	}
	if status, _ := i.get(i.url()); status != 0 {
		t.Errorf("after the end: got %d", status)
	}
}

func TestARestartedProxyServesWhatWasSaved(t *testing.T) {
	i := newInstance(t)
	i.write(7, map[string]int32{backend(t, "saved"): 1})
	i.start()
	i.await(i.url(), "saved")
	i.stop()
	if err := os.Remove(filepath.Join(i.config, proxyconfig.ConfigKey)); err != nil {
		t.Fatal(err)
	}
	i.start()
	i.await(i.url(), "saved")
	i.stop()
	// An older document in the mount does not take over.
	i.write(6, map[string]int32{backend(t, "older"): 1})
	i.start()
	i.await(i.health+"/metrics", "fleetgate_proxy_config_revision 7")
	i.await(i.url(), "saved")
	i.stop()
}

// A proxy that is told to stop becomes unready, finishes what it has, says that
// the connection ends, and takes new connections until there are none.
func TestDrain(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-release
		}
		io.WriteString(w, "done")
	}))
	defer s.Close()
	i := newInstance(t)
	i.write(1, map[string]int32{s.Listener.Addr().String(): 1})
	i.start()
	i.await(i.url(), "done")
	slow := make(chan string)
	go func() {
		status, body := i.get(i.url() + "slow")
		slow <- fmt.Sprint(status, " ", body)
	}()
	<-arrived
	i.terminate()
	i.await(i.health+"/readyz", "shutting down")
	resp, err := i.client.Get(i.url())
	if err != nil {
		t.Fatalf("a new connection while the proxy drains: %v", err)
	}
	resp.Body.Close()
	if !resp.Close || resp.StatusCode != 200 {
		t.Errorf("got %d, Connection: close %v", resp.StatusCode, resp.Close)
	}
	select {
	case err := <-i.finished:
		t.Fatalf("the proxy ended with a request in progress: %v", err)
	default:
	}
	close(release)
	if got := <-slow; got != "200 done" {
		t.Errorf("the request in progress got %q", got)
	}
	if err := <-i.finished; err != nil {
		t.Error(err)
	}
}

func TestAPortThatIsTakenIsTriedAgain(t *testing.T) {
	i := newInstance(t)
	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", i.port))
	if err != nil {
		t.Fatal(err)
	}
	i.write(1, map[string]int32{backend(t, "late"): 1})
	i.start()
	i.await(i.health+"/metrics", "fleetgate_proxy_config_refused_items 1")
	taken.Close()
	i.await(i.health+"/metrics", "fleetgate_proxy_config_refused_items 0")
	i.await(i.url(), "late")
	i.stop()
}

// No request may fail while configurations follow each other.
func TestReloadsUnderLoad(t *testing.T) {
	one, two := backend(t, "one"), backend(t, "two")
	i := newInstance(t)
	i.write(1, map[string]int32{one: 1})
	i.start()
	i.await(i.url(), "one")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var failed, served sync.Map
	for worker := range 2 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					served.Store(worker, n)
					return
				default:
				}
				if status, body := i.get(i.url()); status != 200 || (body != "one" && body != "two") {
					failed.Store(fmt.Sprint(worker, " ", n), fmt.Sprint(status, " ", body))
				}
			}
		})
	}
	for revision := int64(2); revision <= 40; revision++ {
		backends := map[string]int32{one: 1}
		if revision%2 == 0 {
			backends = map[string]int32{two: 1}
		}
		i.write(revision, backends)
		i.await(i.health+"/metrics", fmt.Sprintf("fleetgate_proxy_config_revision %d\n", revision))
	}
	close(stop)
	wg.Wait()
	failed.Range(func(at, what any) bool { t.Errorf("request %v: %v", at, what); return true })
	served.Range(func(worker, n any) bool { t.Logf("worker %v: %v requests", worker, n); return true })
	i.stop()
}

func TestRunRefusesWhatCannotWork(t *testing.T) {
	good := func() Options {
		return Options{Gateway: proxyconfig.Gateway{Namespace: "ns", UID: "u"}, ConfigDir: t.TempDir(),
			HealthAddress: "127.0.0.1:0", Log: logr.Discard()}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, change := range map[string]func(*Options){
		"no UID":           func(o *Options) { o.Gateway.UID = "" },
		"no namespace":     func(o *Options) { o.Gateway.Namespace = "" },
		"no lane":          func(o *Options) { o.ConfigDir = "" },
		"taken health":     func(o *Options) { o.HealthAddress = taken.Addr().String() },
		"taken admin port": func(o *Options) { o.AdminDir, o.AdminAddress = t.TempDir(), taken.Addr().String() },
	} {
		o := good()
		change(&o)
		if err := Run(t.Context(), o); err == nil {
			t.Errorf("%s: Run returned no error", name)
		}
	}
}
