package probe

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1/point"
	"github.com/fleetgate/fleetgate/internal/long"
)

// kinds are what the kernel keeps of BPF, by the word for its number in the
// information about a descriptor, with the command that looks one up.
var kinds = map[string]uintptr{
	"prog_id": unix.BPF_PROG_GET_FD_BY_ID,
	"map_id":  unix.BPF_MAP_GET_FD_BY_ID,
	"link_id": unix.BPF_LINK_GET_FD_BY_ID,
}

// object is one such thing. Numbers are not used twice for a long time.
type object struct {
	kind string
	id   uint32
}

// exists asks the kernel.
func (o object) exists(t *testing.T) bool {
	t.Helper()
	attr := struct{ id, next, flags uint32 }{id: o.id}
	fd, _, e := unix.Syscall(unix.SYS_BPF, kinds[o.kind], uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if e == 0 {
		unix.Close(int(fd))
	} else if e != unix.ENOENT {
		t.Fatalf("asking for %v: %v", o, e)
	}
	return e == 0
}

// held is what a process and its children hold of BPF.
func held(t *testing.T, pid int) map[object]bool {
	t.Helper()
	all := map[object]bool{}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if file, err := os.Open(name); err == nil {
			readObjects(file, all)
			file.Close()
		}
	}
	for _, child := range children(t, pid) {
		for o := range held(t, child) {
			all[o] = true
		}
	}
	return all
}

func readObjects(file *os.File, all map[object]bool) {
	for lines := bufio.NewScanner(file); lines.Scan(); {
		kind, value, _ := strings.Cut(lines.Text(), ":")
		if _, ok := kinds[kind]; !ok {
			continue
		}
		if id, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32); err == nil {
			all[object{kind, uint32(id)}] = true
		}
	}
}

func children(t *testing.T, pid int) (list []int) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, _ := os.ReadFile(name)
		for _, word := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, child)
		}
	}
	return list
}

// gone waits until nothing of it is left. The kernel frees it some time after the
// last process.
func gone(t *testing.T, objects map[object]bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var left []object
		for o := range objects {
			if o.exists(t) {
				left = append(left, o)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %v", left)
		}
	}
}

// TestAKilledSensorLeavesNothing kills sensors that are attached, without warning,
// and looks for what they had loaded. The proxy goes on calling all the while.
func TestAKilledSensorLeavesNothing(t *testing.T) {
	rounds := long.N(2, 200)
	if !room(t) {
		return
	}
	upLoopback(t)
	program := buildSensor(t)
	socket := filepath.Join(sharedDir(t), "probe.sock")
	c := start(t, socket)
	stop := keepCalling(c)
	found := 0
	for round := range rounds {
		s := attached(t, program, socket)
		objects := held(t, s.cmd.Process.Pid)
		seen := map[string]int{}
		for o := range objects {
			seen[o.kind]++
		}
		if seen["prog_id"] < 3 || seen["map_id"] < 5 || seen["link_id"] < 3 {
			t.Fatalf("round %d: the sensor holds %v", round, seen)
		}
		// It is the first process of its namespace, so that its worker goes, too.
		if err := s.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		s.cmd.Wait()
		gone(t, objects)
		found += len(objects)
	}
	// A process that is killed may fail to take out the instruction ("leaking
	// uprobe", the kernel then says). The next sensor to end in good order does.
	attached(t, program, socket).stop()
	stop()
	restored(t)
	long.Report(t, "Sensors that are killed", rounds, fmt.Sprintf("of %d programs, maps and links 0 are left behind", found))
}

// attached starts a sensor that is attached to everything.
func attached(t *testing.T, program, socket string) *sensor {
	t.Helper()
	s := startSensor(t, program, allCapabilities, "--probe-socket", socket)
	values := await(t, "the proxy's greeting", func(v map[string]float64) bool {
		_, counting := v["fleetgate_sensor_dropped_records_total"]
		return counting
	})
	if values[`fleetgate_sensor_hook_attached{hook="request_done"}`] != 1 || values[`fleetgate_sensor_hook_attached{hook="sockops"}`] != 1 {
		cannot(t, errors.New(s.output.String()))
	}
	return s
}

// restored waits until the probe function is as it was built.
func restored(t *testing.T) {
	t.Helper()
	here, err := point.Find()
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		code := here.Live()
		if string(code[:]) == point.Pattern {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the probe function's code: got % x, want % x", code, point.Pattern)
		}
	}
}

// keepCalling makes calls until it is told to stop.
func keepCalling(c *Client) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		observer := c.Observer()
		for {
			select {
			case <-done:
				return
			default:
				tell(observer, request())
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
