package app

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/accesslog"
)

// settle has the proxy serve the same with settings, and waits until it does.
func (i *instance) settle(revision int64, address string, s *proxyconfig.Settings) {
	i.t.Helper()
	c := i.sending(map[string]int32{address: 1})
	c.Settings = s
	i.replace(i.encode(revision, c))
	i.await(i.health+"/metrics", fmt.Sprintf("fleetgate_proxy_config_revision %d\n", revision))
}

// awaitLine waits until the access log has a line of the request.
func (i *instance) awaitLine(target string) string {
	i.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		for line := range strings.Lines(i.log.String()) {
			if strings.Contains(line, `"/`+target+`"`) {
				return line
			}
		}
	}
	i.t.Fatalf("no line of %s in %q", target, i.log.String())
	return ""
}

// slowMillis is how long the backend takes for what is slow.
const slowMillis = 20

// A line of a slow request says how its connections fare.
func TestSlowRequestsAreExplained(t *testing.T) {
	address := status(t)
	i := newInstance(t)
	i.start()
	limit, never := int32(slowMillis), int32(0)
	i.settle(1, address, &proxyconfig.Settings{AccessLog: &proxyconfig.AccessLog{SlowMillis: &limit}})
	i.get(i.url() + "slow-one")
	if line := i.awaitLine("slow-one"); runtime.GOOS == "linux" &&
		(!strings.Contains(line, " clientRTTMicros=") || !strings.Contains(line, " backendRTTMicros=")) {
		t.Errorf("got %q", line)
	}
	i.settle(2, address, &proxyconfig.Settings{AccessLog: &proxyconfig.AccessLog{SlowMillis: &never}})
	i.get(i.url() + "slow-two")
	if line := i.awaitLine("slow-two"); strings.Contains(line, "RTTMicros") {
		t.Errorf("got %q", line)
	}
	i.stop()
}

func TestSlow(t *testing.T) {
	set := int32(250)
	for _, tt := range []struct {
		format accesslog.Format
		set    *proxyconfig.Settings
		want   time.Duration
	}{
		{accesslog.Off, nil, 0},
		{accesslog.JSON, nil, time.Second},
		{accesslog.JSON, &proxyconfig.Settings{}, time.Second},
		{accesslog.JSON, &proxyconfig.Settings{AccessLog: &proxyconfig.AccessLog{SlowMillis: &set}}, 250 * time.Millisecond},
		{accesslog.JSON, &proxyconfig.Settings{AccessLog: &proxyconfig.AccessLog{SlowMillis: new(int32)}}, 0},
		{accesslog.JSON, &proxyconfig.Settings{AccessLog: &proxyconfig.AccessLog{Format: proxyconfig.AccessLogOff, SlowMillis: &set}}, 0},
		{accesslog.Off, &proxyconfig.Settings{AccessLog: &proxyconfig.AccessLog{Format: proxyconfig.AccessLogText}}, time.Second},
	} {
		p := &proxy{options: Options{AccessLog: tt.format}, accessLog: &accesslog.Log{}}
		if got := p.slow(tt.set); got != tt.want {
			t.Errorf("%v with %+v: got %v, want %v", tt.format, tt.set, got, tt.want)
		}
		if p.accessLog = nil; p.slow(tt.set) != 0 {
			t.Errorf("%v with %+v: something is slow, and nowhere to say so", tt.format, tt.set)
		}
	}
}

// status answers with what the query asks for.
func status(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/bad") {
			w.WriteHeader(http.StatusBadGateway)
		}
		if strings.HasPrefix(r.URL.Path, "/slow") {
			time.Sleep(slowMillis * time.Millisecond)
		}
		io.WriteString(w, r.Header.Get("X-Forwarded-For"))
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

var chosenLine = regexp.MustCompile(`^time="[^"]+" target="[^"]+" status=200\n?$`)

// The access log is turned on and off, sampled and written otherwise as a
// configuration says, and by the options where it says nothing.
func TestTheAccessLogFollowsTheSettings(t *testing.T) {
	address := status(t)
	i := newInstance(t)
	i.start()
	i.settle(1, address, nil)
	i.get(i.url() + "by-options")
	if line := i.awaitLine("by-options"); !strings.HasPrefix(line, `time="`) {
		t.Errorf("got %q", line)
	}
	i.settle(2, address, &proxyconfig.Settings{AccessLog: &proxyconfig.AccessLog{Format: proxyconfig.AccessLogJSON}})
	i.get(i.url() + "json")
	if line := i.awaitLine("json"); !strings.HasPrefix(line, `{"time":`) {
		t.Errorf("got %q", line)
	}
	i.settle(3, address, &proxyconfig.Settings{AccessLog: &proxyconfig.AccessLog{Format: proxyconfig.AccessLogOff}})
	i.get(i.url() + "bad-unseen")
	none := int32(0)
	i.settle(4, address, &proxyconfig.Settings{AccessLog: &proxyconfig.AccessLog{SamplePercent: &none}})
	i.get(i.url() + "unseen")
	i.get(i.url() + "bad-seen")
	if line := i.awaitLine("bad-seen"); !strings.Contains(line, "status=502") {
		t.Errorf("got %q", line)
	}
	i.settle(5, address, &proxyconfig.Settings{AccessLog: &proxyconfig.AccessLog{Fields: []string{"target", "status"}}})
	i.get(i.url() + "chosen")
	if line := i.awaitLine("chosen"); !chosenLine.MatchString(line) {
		t.Errorf("got %q", line)
	}
	i.settle(6, address, nil)
	i.get(i.url() + "again")
	if line := i.awaitLine("again"); !strings.Contains(line, "client=") {
		t.Errorf("got %q", line)
	}
	i.stop()
	if log := i.log.String(); strings.Contains(log, "unseen") {
		t.Errorf("got %q", log)
	}
}

func TestTheLogLevelFollowsTheSettings(t *testing.T) {
	address := status(t)
	i := newInstance(t)
	log := &safeBuffer{}
	i.logTo(log)
	i.start()
	i.settle(1, address, nil)
	i.settle(2, address, &proxyconfig.Settings{LogLevel: proxyconfig.LogDebug})
	i.settle(3, address, &proxyconfig.Settings{LogLevel: proxyconfig.LogError})
	i.settle(4, address, nil)
	i.stop()
	for text, want := range map[string]bool{`"revision":1`: false, `"revision":2`: true, `"revision":3`: false, `"revision":4`: false, `"msg":"Drained"`: true} {
		if got := strings.Contains(log.String(), text); got != want {
			t.Errorf("%s: logged %v, want %v\n%s", text, got, want, log.String())
		}
	}
}

func TestTrustedHopsFollowTheSettings(t *testing.T) {
	address := status(t)
	i := newInstance(t)
	i.start()
	one := int32(1)
	for revision, tt := range []struct {
		settings *proxyconfig.Settings
		want     string
	}{
		{nil, "127.0.0.1"}, {&proxyconfig.Settings{TrustedHops: &one}, "203.0.113.9, 127.0.0.1"}, {nil, "127.0.0.1"},
	} {
		i.settle(int64(revision+1), address, tt.settings)
		r, _ := http.NewRequest(http.MethodGet, i.url(), nil)
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		resp, err := i.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != tt.want {
			t.Errorf("%d: the backend sees %q, want %q", revision, body, tt.want)
		}
	}
	i.stop()
}

// A bound on connections holds for those that come, and ends none.
func TestConnectionLimitsFollowTheSettings(t *testing.T) {
	address := status(t)
	i := newInstance(t)
	i.start()
	connect := func() *http.Client {
		c := &http.Client{Transport: &http.Transport{}}
		t.Cleanup(c.CloseIdleConnections)
		return c
	}
	answered := func(c *http.Client) bool {
		resp, err := c.Get(i.url())
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err == nil
	}
	one, two := connect(), connect()
	i.settle(1, address, nil)
	if !answered(one) || !answered(two) {
		t.Fatal("two connections are too many by default")
	}
	i.settle(2, address, &proxyconfig.Settings{Limits: &proxyconfig.ConnectionLimits{MaxConnectionsPerPort: 1}})
	if answered(connect()) || !answered(one) || !answered(two) {
		t.Error("the bound of a port is not for new connections alone")
	}
	i.settle(3, address, &proxyconfig.Settings{Limits: &proxyconfig.ConnectionLimits{MaxConnections: 1}})
	if answered(connect()) || !answered(one) || !answered(two) {
		t.Error("the bound of all ports is not for new connections alone")
	}
	i.settle(4, address, nil)
	if !answered(connect()) {
		t.Error("the default does not hold again")
	}
	i.stop()
}

// A setting that is refused is told like any other item, and voids nothing.
func TestASettingThatIsRefusedVoidsNothing(t *testing.T) {
	i := newInstance(t)
	i.start()
	i.settle(1, backend(t, "one"), &proxyconfig.Settings{LogLevel: "loud", AccessLog: &proxyconfig.AccessLog{Format: proxyconfig.AccessLogJSON}})
	i.await(i.health+"/metrics", "fleetgate_proxy_config_refused_items 1")
	i.await(i.url(), "one")
	i.get(i.url() + "json")
	if line := i.awaitLine("json"); !strings.HasPrefix(line, `{"time":`) {
		t.Errorf("got %q", line)
	}
	i.stop()
}

// Whatever the contract lets choose is a field that lines have.
func TestAccessLogFieldsAreKnown(t *testing.T) {
	var all accesslog.Fields
	for _, name := range proxyconfig.AccessLogFields() {
		f := accesslog.ParseFields([]string{name})
		if f == 0 || all&f != 0 {
			t.Errorf("%s stands for the field %b", name, f)
		}
		all |= f
	}
}

func TestAccessLogMode(t *testing.T) {
	half := int32(50)
	for _, tt := range []struct {
		format accesslog.Format
		set    *proxyconfig.AccessLog
		want   accesslog.Mode
	}{
		{accesslog.Off, nil, accesslog.Mode{Format: accesslog.Off, Percent: 100}},
		{accesslog.JSON, nil, accesslog.Mode{Format: accesslog.JSON, Percent: 100}},
		{accesslog.JSON, &proxyconfig.AccessLog{}, accesslog.Mode{Format: accesslog.JSON, Percent: 100}},
		{accesslog.JSON, &proxyconfig.AccessLog{Format: proxyconfig.AccessLogOff}, accesslog.Mode{Format: accesslog.Off, Percent: 100}},
		{accesslog.Off, &proxyconfig.AccessLog{Format: proxyconfig.AccessLogText, SamplePercent: &half}, accesslog.Mode{Format: accesslog.Text, Percent: 50}},
		{accesslog.JSON, &proxyconfig.AccessLog{SamplePercent: new(int32)}, accesslog.Mode{Format: accesslog.JSON}},
	} {
		if got := accessLogMode(tt.format, tt.set); got != tt.want {
			t.Errorf("%v with %+v: got %+v, want %+v", tt.format, tt.set, got, tt.want)
		}
	}
}

// logTo has the proxy log to w, from level info on.
func (i *instance) logTo(w io.Writer) {
	i.level = new(slog.LevelVar)
	i.logger = logr.FromSlogHandler(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: i.level}))
}
