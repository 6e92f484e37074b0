package probe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/probe/v1/point"
	"github.com/fleetgate/fleetgate/internal/long"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

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
						traffic.TellTurn(observer)
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
	var c probev1.Call
	c.Fill([]probev1.Record{{Series: 1, Status: 200}})
	for range 1000 {
		point.RequestsDone(&c.Registers)
	}
}

// TestSensorCountsEveryRequest makes ten million calls in its long form, in each of
// the ways of counting, while one sensor takes the place of another.
func TestSensorCountsEveryRequest(t *testing.T) {
	n, rounds := long.N(100_000, 1_000_000), long.N(2, 10)
	if !room(t) {
		return
	}
	upLoopback(t)
	program := buildSensor(t)
	root, podUID, _ := strings.Cut(os.Getenv(inRoom), "/fleetgate-test-pod")
	ways := []struct {
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
	}
	for _, tt := range ways {
		t.Run(tt.name, func(t *testing.T) {
			socket := filepath.Join(sharedDir(t), "probe.sock")
			c := startWith(t, Options{Socket: socket, CgroupDir: tt.cgroup, Log: logr.Discard()})
			c.Publish(fixed{&tables})
			var s *sensor
			// The second sensor takes the place of the first, and the proxy
			// does not notice.
			for round := range rounds {
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
				if values[`fleetgate_sensor_hook_attached{hook="sock_diag"}`] != 1 {
					t.Error("the kernel does not tell of its sockets, which takes no capability")
				}
				// The mode is entered a moment after the greeting is answered.
				await(t, "the first call", func(v map[string]float64) bool {
					if sum(v, "fleetgate_requests_total") > 0 {
						return true
					}
					tell(c.Observer(), request())
					return false
				})
				before := await(t, "the tables", func(v map[string]float64) bool {
					if sum(v, `fleetgate_requests_total{code="200",listener="web",method="GET",protocol="h2",route="shop/cart",rule="0"}`) > 0 {
						return true
					}
					tell(c.Observer(), request())
					return false
				})
				strangers(t)
				hammer(t, c, n)
				check(t, fmt.Sprintf("round %d", round), before, float64(n))
				s.stop()
				hammer(t, c, 1000) // nobody counts these
			}
		})
	}
	long.Report(t, "Requests that sensors count", len(ways)*rounds*n, fmt.Sprintf(
		"none missed and none too many, by %d sensors one after the other in each of %d ways, under garbage collection, growing stacks and a CPU profile",
		rounds, len(ways)))
}

// check compares what the metrics have grown by with n requests, all alike.
func check(t *testing.T, when string, before map[string]float64, n float64) {
	t.Helper()
	values := must(t)
	for name, want := range map[string]float64{
		"fleetgate_requests_total":                          n,
		"fleetgate_request_duration_seconds_count":          n,
		"fleetgate_request_body_bytes_total":                5 * n,
		"fleetgate_response_body_bytes_total":               7 * n,
		"fleetgate_upstream_requests_total":                 n,
		"fleetgate_upstream_request_duration_seconds_count": n,
		"fleetgate_sensor_dropped_records_total":            0,
		"fleetgate_sensor_series_overflow_total":            0,
		`fleetgate_upstream_requests_total{backend="shop/cart:8080",code="200",result="ok",route="shop/cart"}`:                     n,
		`fleetgate_requests_total{code="200",listener="web",method="GET",protocol="h2",route="shop/cart",rule="0"}`:                n,
		`fleetgate_request_duration_seconds_bucket{code_class="2xx",listener="web",route="shop/cart",rule="0",le="0.00048828125"}`: 0,
		`fleetgate_request_duration_seconds_bucket{code_class="2xx",listener="web",route="shop/cart",rule="0",le="0.00390625"}`:    n,
		`fleetgate_upstream_request_duration_seconds_bucket{backend="shop/cart:8080",code_class="2xx",le="0.00048828125"}`:         0,
	} {
		if got := sum(values, name) - sum(before, name); got != want {
			t.Errorf("%s: %s: got %v, want %v", when, name, got, want)
		}
	}
	const nanoseconds = 1e-6 // of the sum, for it is a fraction
	const seconds = "fleetgate_request_duration_seconds_sum"
	if got, want := sum(values, seconds)-sum(before, seconds), n*0.003; got < want-nanoseconds || got > want+nanoseconds {
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
	c.Publish(fixed{&tables})
	cost := func() time.Duration {
		const rounds, calls = 20, 5_000
		observer, d := c.Observer(), request()
		best := time.Hour
		for range rounds {
			begin := time.Now()
			for range calls {
				tell(observer, d)
			}
			best = min(best, time.Since(begin)/calls)
		}
		return best
	}
	t.Logf("no sensor: %v a request", cost())
	for _, asked := range []string{"auto", "shm"} {
		s := startSensor(t, program, allCapabilities, "--probe-socket", socket, "--mode", asked)
		await(t, "the first call", func(v map[string]float64) bool {
			tell(c.Observer(), request())
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
