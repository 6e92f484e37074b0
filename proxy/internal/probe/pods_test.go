package probe

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// What the process of one of two pods is told: where both meet, the sensor's
// program, and how many requests it has.
const (
	meetingPlace = "FLEETGATE_TEST_MEETING"
	sensorPath   = "FLEETGATE_TEST_SENSOR"
	podRequests  = "FLEETGATE_TEST_REQUESTS"
)

// meet waits until both pods have come to a stage.
func meet(t *testing.T, stage string) {
	t.Helper()
	dir := os.Getenv(meetingPlace)
	if err := os.WriteFile(filepath.Join(dir, stage+"."+os.Getenv(podRequests)), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if there, err := filepath.Glob(filepath.Join(dir, stage+".*")); err == nil && len(there) == 2 {
			return
		}
	}
	t.Fatalf("the other pod has not come to %s", stage)
}

// TestTwoPodsOfOneImageSeeTheirOwn has two proxies of one executable, each in a
// cgroup and a network namespace of its own with a sensor of its own, whose
// probes all sit at the same place of the same file.
func TestTwoPodsOfOneImageSeeTheirOwn(t *testing.T) {
	if os.Getenv(inRoom) != "" {
		pod(t)
		return
	}
	if os.Getuid() != 0 {
		cannot(t, "making namespaces takes root")
	}
	program, meeting := buildSensor(t), sharedDir(t)
	type result struct {
		out []byte
		err error
	}
	results := make(chan result)
	pods := []string{"3000", "7000"}
	for _, requests := range pods {
		dir := newCgroup(t)
		cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), inRoom+"="+dir, sensorPath+"="+program, meetingPlace+"="+meeting, podRequests+"="+requests)
		inCgroup(t, cmd, dir)
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
		go func() {
			out, err := cmd.CombinedOutput()
			results <- result{out, err}
		}()
	}
	for range pods {
		r := <-results
		t.Logf("a pod:\n%s", r.out)
		if r.err != nil {
			t.Errorf("a pod failed: %v", r.err)
		}
	}
}

// pod is one of the two.
func pod(t *testing.T) {
	upLoopback(t)
	n, err := strconv.Atoi(os.Getenv(podRequests))
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(sharedDir(t), "probe.sock")
	c := start(t, socket)
	c.Publish(fixed{&tables})
	s := startSensor(t, os.Getenv(sensorPath), allCapabilities, "--probe-socket", socket)
	values := await(t, "the proxy's greeting", func(v map[string]float64) bool {
		_, counting := v["fleetgate_sensor_dropped_records_total"]
		return counting
	})
	if values[`fleetgate_sensor_hook_attached{hook="request_done"}`] != 1 {
		cannot(t, errors.New(s.output.String()))
	}
	before := sum(values, "fleetgate_requests_total")
	meet(t, "attached")
	observer := c.Observer()
	for range n {
		tell(observer, request())
	}
	meet(t, "counted")
	values = must(t)
	if got, want := sum(values, "fleetgate_requests_total")-before, float64(n); got != want {
		t.Errorf("requests: got %v, want %v", got, want)
	}
	// Neither goes before the other has looked: a probe that is removed counts
	// nobody's.
	meet(t, "looked")
}
