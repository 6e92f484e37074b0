package probe

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
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
