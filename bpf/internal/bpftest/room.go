package bpftest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// roomDir is the environment variable that tells a test its room's cgroup.
const roomDir = "FLEETGATE_TEST_ROOM"

// Room runs the test a second time, as a process in a cgroup and a network
// namespace of its own in which only loopback exists. In that process it
// returns the cgroup's directory and true; in the first one it waits for the
// other, fails as it does, and returns false.
func Room(t *testing.T) (cgroup string, inside bool) {
	t.Helper()
	if dir := os.Getenv(roomDir); dir != "" {
		if err := upLoopback(); err != nil {
			t.Fatal(err)
		}
		return dir, true
	}
	if os.Getuid() != 0 {
		Require(t, errors.New("making namespaces takes root"))
	}
	dir, err := NewCgroup(t)
	Require(t, err)
	fd, err := unix.Open(dir, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)

	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), roomDir+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNET,
		UseCgroupFD: true,
		CgroupFD:    fd,
	}
	out, err := cmd.CombinedOutput()
	t.Logf("in the room:\n%s", out)
	if err != nil {
		t.Errorf("the test failed in its room: %v", err)
	}
	return "", false
}

// upLoopback sets the loopback interface up, which a new namespace has down.
func upLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a socket: %w", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("naming loopback: %w", err)
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("setting loopback up: %w", err)
	}
	return nil
}
