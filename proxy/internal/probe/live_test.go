package probe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/probe/v1/point"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

const (
	// inRoom marks the process that runs in a cgroup and namespaces of its
	// own, stranger one that only makes calls.
	inRoom   = "FLEETGATE_TEST_PROXY"
	stranger = "FLEETGATE_TEST_STRANGER"
	required = "FLEETGATE_REQUIRE_BPF"

	metricsAddress = "127.0.0.1:19002"
)

// cannot skips the test, or fails it where nothing may be skipped.
func cannot(t *testing.T, reason any) {
	t.Helper()
	if os.Getenv(required) == "1" {
		t.Fatalf("this machine cannot run the test, and %s=1: %v", required, reason)
	}
	t.Skipf("this machine cannot run the test: %v", reason)
}

// room runs the test again in a cgroup and a network namespace of its own, and
// says whether this is that process.
func room(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inRoom) != "" {
		return true
	}
	if os.Getuid() != 0 {
		cannot(t, "making namespaces takes root")
	}
	dir := newCgroup(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inRoom+"="+dir)
	inCgroup(t, cmd, dir)
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
	out, err := cmd.CombinedOutput()
	t.Logf("in the room:\n%s", out)
	if err != nil {
		t.Errorf("the test failed in its room: %v", err)
	}
	return false
}

func newCgroup(t *testing.T) string {
	t.Helper()
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if dir := openCgroup(mount, ""); dir != nil {
			dir.Close()
			made, err := os.MkdirTemp(mount, "fleetgate-test-pod")
			if err != nil {
				cannot(t, err)
			}
			t.Cleanup(func() {
				if err := os.Remove(made); err != nil {
					t.Errorf("removing the test's cgroup: %v", err)
				}
			})
			// As container runtimes make them: readable to all.
			if err := os.Chmod(made, 0o755); err != nil {
				t.Fatal(err)
			}
			return made
		}
	}
	cannot(t, "no cgroup v2 hierarchy is mounted")
	return ""
}

func inCgroup(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
}

func upLoopback(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatal(err)
	}
}

// buildSensor builds the sensor's program.
func buildSensor(t *testing.T) string {
	t.Helper()
	path := filepath.Join(sharedDir(t), "fleetgate-sensor")
	out, err := exec.Command("go", "build", "-o", path, "github.com/fleetgate/fleetgate/bpf/exporter").CombinedOutput()
	if err != nil {
		t.Fatalf("building the sensor: %v\n%s", err, out)
	}
	return path
}

// sensor is a running sensor.
type sensor struct {
	t      *testing.T
	cmd    *exec.Cmd
	output bytes.Buffer
}

// allCapabilities are those that the sensor gets where it may have any.
var allCapabilities = []uintptr{unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_NET_ADMIN}

// startSensor starts a sensor as a container is: as a user without rights but
// the capabilities, and in a process namespace of its own, in which it cannot
// tell the proxy by its process identifier.
func startSensor(t *testing.T, program string, capabilities []uintptr, args ...string) *sensor {
	t.Helper()
	s := &sensor{t: t, cmd: exec.Command(program, append(args, "--metrics-address", metricsAddress)...)}
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	s.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWPID,
		Credential:  &syscall.Credential{Uid: 65532, Gid: 65532},
		AmbientCaps: capabilities,
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("the sensor said:\n%s", &s.output)
		}
	})
	return s
}

// stop asks the sensor to end, and waits for it.
func (s *sensor) stop() {
	s.t.Helper()
	if s.cmd.ProcessState != nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the sensor ended with %v", err)
	}
}

// scrape returns the values of all metrics by their name with labels.
func scrape() (map[string]float64, error) {
	response, err := http.Get("http://" + metricsAddress + "/metrics")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return nil, fmt.Errorf("status %d: %s", response.StatusCode, text)
	}
	values := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, value, ok := cutLast(lines.Text())
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if values[name], err = strconv.ParseFloat(value, 64); err != nil {
			return nil, err
		}
	}
	return values, lines.Err()
}

func cutLast(line string) (name, value string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

// await scrapes until the metrics are as they should be.
func await(t *testing.T, what string, ready func(map[string]float64) bool) map[string]float64 {
	t.Helper()
	var values map[string]float64
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if values, err = scrape(); err == nil && ready(values) {
			return values
		}
	}
	t.Fatalf("%s has not come: %v, %v", what, values, err)
	return nil
}

// sum adds up the values of a metric whatever its labels.
func sum(values map[string]float64, name string) (total float64) {
	for full, v := range values {
		if full == name || strings.HasPrefix(full, name+"{") {
			total += v
		}
	}
	return total
}

func mode(values map[string]float64) string {
	for full := range values {
		if _, rest, ok := strings.Cut(full, `fleetgate_sensor_info{`); ok {
			_, rest, _ = strings.Cut(rest, `l7_mode="`)
			mode, _, _ := strings.Cut(rest, `"`)
			return mode
		}
	}
	return ""
}

// tables name everything that the tests count.
var tables = probev1.Tables{
	Series:   []probev1.Series{{ID: 1, Listener: "web", Kind: "HTTPRoute", Namespace: "shop", Name: "cart", Rule: "0"}},
	Backends: []probev1.Backend{{ID: 2, Namespace: "shop", Service: "cart", Port: 8080}},
}

func request() *traffic.Done {
	return &traffic.Done{
		Rule:     &snapshot.Rule{Series: 1},
		Endpoint: &balance.Endpoint{Cluster: &balance.Cluster{Probe: 2}},
		Status:   200, Method: probev1.MethodGet, Protocol: probev1.HTTP2, Attempts: 1,
		Duration: 3 * time.Millisecond, Upstream: 2 * time.Millisecond, RequestBytes: 5, ResponseBytes: 7,
	}
}

// deep grows its goroutine's stack, by which the runtime moves it.
func deep(n int, call func()) byte {
	var room [512]byte
	if n == 0 {
		call()
		return room[0]
	}
	return deep(n-1, call) + room[n%len(room)]
}

// hammer makes n calls from several goroutines, while the collector runs all
// the time, stacks grow, and a profile interrupts everything.
func hammer(t *testing.T, c *Client, n int) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(2))
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Fatal(err)
	}
	defer pprof.StopCPUProfile()
	const goroutines, perStack = 8, 50
	var done sync.WaitGroup
	for range goroutines {
		done.Go(func() {
			observer, d := c.Observer(), request()
			for made := 0; made < n/goroutines; made += perStack {
				// A new goroutine begins with a small stack.
				var one sync.WaitGroup
				one.Go(func() {
					garbage := make([][]byte, 0, perStack)
					deep(made%40, func() {
						for range perStack {
							observer.RequestDone(d)
							garbage = append(garbage, make([]byte, 256))
						}
					})
					runtime.KeepAlive(garbage)
				})
				one.Wait()
			}
		})
	}
	done.Wait()
}

// strangers runs this executable elsewhere, making calls that are not the
// proxy's.
func strangers(t *testing.T) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestStranger$")
	cmd.Env = append(os.Environ(), stranger+"=1")
	inCgroup(t, cmd, filepath.Dir(os.Getenv(inRoom)))
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("stranger: %v\n%s", err, out)
	}
}

// TestStranger is the process that strangers runs.
func TestStranger(t *testing.T) {
	if os.Getenv(stranger) == "" {
		t.Skip("only another test runs this, in a process of its own")
	}
	r := probev1.Record{Series: 1, Status: 200}
	for range 1000 {
		point.RequestDone(r.Meta(), 1, 1, 1, 1, r.Extra())
	}
}

func TestSensorCountsEveryRequest(t *testing.T) {
	const n = 100_000
	if !room(t) {
		return
	}
	upLoopback(t)
	program := buildSensor(t)
	root, podUID, _ := strings.Cut(os.Getenv(inRoom), "/fleetgate-test-pod")
	for _, tt := range []struct {
		name         string
		capabilities []uintptr
		cgroup       string // that the proxy finds; empty for its own
		args         []string
		attached     bool // to the probe function
		sockets      float64
	}{
		{"with capabilities", allCapabilities, "", nil, true, 1},
		{"on a node where the proxy sees no cgroup", allCapabilities, "/nonexistent", []string{"--cgroup-root", root, "--pod-uid", podUID}, true, 1},
		{"with no cgroup at all", allCapabilities, "/nonexistent", nil, true, 0},
		{"with another pod's cgroup", allCapabilities, "/nonexistent", []string{"--cgroup-root", root, "--pod-uid", "another"}, true, 0},
		{"in shared memory", allCapabilities, "", []string{"--mode", "shm"}, false, 1},
		{"without capabilities", nil, "", nil, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			socket := filepath.Join(sharedDir(t), "probe.sock")
			c := startWith(t, Options{Socket: socket, CgroupDir: tt.cgroup, Log: logr.Discard()})
			c.Publish(&tables)
			var s *sensor
			// The second sensor takes the place of the first, and the proxy
			// does not notice.
			for round := range 2 {
				s = startSensor(t, program, tt.capabilities, append(tt.args, "--probe-socket", socket)...)
				values := await(t, "the proxy's greeting", func(v map[string]float64) bool {
					_, counting := v["fleetgate_sensor_dropped_records_total"]
					return counting
				})
				if tt.attached && values[`fleetgate_sensor_hook_attached{hook="request_done"}`] != 1 {
					cannot(t, errors.New(s.output.String()))
				}
				if got := mode(values); tt.attached == (got == "shm") {
					t.Errorf("mode: got %s", got)
				}
				if got := values[`fleetgate_sensor_hook_attached{hook="sockops"}`]; got != tt.sockets {
					t.Errorf("sockops attached: got %v, want %v", got, tt.sockets)
				}
				// The mode is entered a moment after the greeting is answered.
				await(t, "the first call", func(v map[string]float64) bool {
					if sum(v, "fleetgate_requests_total") > 0 {
						return true
					}
					c.Observer().RequestDone(request())
					return false
				})
				before := sum(must(t), "fleetgate_requests_total")
				strangers(t)
				hammer(t, c, n)
				check(t, fmt.Sprintf("round %d", round), before+n)
				s.stop()
				hammer(t, c, 1000) // nobody counts these
			}
		})
	}
}

// sharedDir makes a folder that the sensor's user may write to. The test's own
// temporary folder lies in one that only its owner may enter.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fleetgate-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func must(t *testing.T) map[string]float64 {
	t.Helper()
	values, err := scrape()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// check compares the metrics with n requests, all alike.
func check(t *testing.T, when string, n float64) {
	t.Helper()
	values := await(t, "the tables", func(v map[string]float64) bool {
		return sum(v, `fleetgate_requests_total{code="200",listener="web",method="GET",protocol="h2",route="shop/cart",rule="0"}`) > 0
	})
	for name, want := range map[string]float64{
		"fleetgate_requests_total":                          n,
		"fleetgate_request_duration_seconds_count":          n,
		"fleetgate_request_body_bytes_total":                5 * n,
		"fleetgate_response_body_bytes_total":               7 * n,
		"fleetgate_upstream_requests_total":                 n,
		"fleetgate_upstream_request_duration_seconds_count": n,
		"fleetgate_sensor_dropped_records_total":            0,
		"fleetgate_sensor_series_overflow_total":            0,
		`fleetgate_upstream_requests_total{backend="shop/cart:8080",code="200",result="ok",route="shop/cart"}`:                   n,
		`fleetgate_request_duration_seconds_bucket{code_class="2xx",listener="web",route="shop/cart",rule="0",le="0.001953125"}`: 0,
		`fleetgate_request_duration_seconds_bucket{code_class="2xx",listener="web",route="shop/cart",rule="0",le="0.00390625"}`:  n,
		`fleetgate_upstream_request_duration_seconds_bucket{backend="shop/cart:8080",code_class="2xx",le="0.001953125"}`:         0,
	} {
		if got := sum(values, name); got != want {
			t.Errorf("%s: %s: got %v, want %v", when, name, got, want)
		}
	}
	const nanoseconds = 1e-6 // of the sum, for it is a fraction
	if got, want := sum(values, "fleetgate_request_duration_seconds_sum"), n*0.003; got < want-nanoseconds || got > want+nanoseconds {
		t.Errorf("%s: sum of durations: got %v, want %v", when, got, want)
	}
}

// TestCostOfACall tells what a call costs with and without the sensor. It
// judges nothing but that the sensor did not take leave of its senses.
func TestCostOfACall(t *testing.T) {
	if !room(t) {
		return
	}
	upLoopback(t)
	program := buildSensor(t)
	socket := filepath.Join(sharedDir(t), "probe.sock")
	c := start(t, socket)
	c.Publish(&tables)
	cost := func() time.Duration {
		const rounds, calls = 20, 5_000
		observer, d := c.Observer(), request()
		best := time.Hour
		for range rounds {
			begin := time.Now()
			for range calls {
				observer.RequestDone(d)
			}
			best = min(best, time.Since(begin)/calls)
		}
		return best
	}
	t.Logf("no sensor: %v a request", cost())
	for _, asked := range []string{"auto", "shm"} {
		s := startSensor(t, program, allCapabilities, "--probe-socket", socket, "--mode", asked)
		await(t, "the first call", func(v map[string]float64) bool {
			c.Observer().RequestDone(request())
			return sum(v, "fleetgate_requests_total") > 0
		})
		got := cost()
		t.Logf("%s: %v a request", mode(must(t)), got)
		if got > 20*time.Microsecond {
			t.Errorf("mode %s: %v a request", asked, got)
		}
		s.stop()
	}
}
