package host

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// stat returns a line of /proc/PID/stat with the given name, state and flags.
func stat(name, state, flags string) string {
	fields := strings.Fields("1 2 3 4 5 F 6 7 8 9 10 11 12 13 14 15 16 17 4711 19 20")
	fields[5] = flags
	return "42 (" + name + ") " + state + " " + strings.Join(fields, " ") + "\n"
}

func TestParseStat(t *testing.T) {
	for _, test := range []struct {
		name   string
		stat   string
		ending bool
	}{
		{"runs", stat("init", "S", "4194304"), false},
		{"brackets and spaces in the name", stat("a) Z (b", "S", "0"), false},
		{"exits", stat("init", "R", "4194308"), true},
		{"zombie", stat("init", "Z", "0"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseStat(test.stat)
			if err != nil {
				t.Fatal(err)
			}
			if got.started != "4711" || got.ending != test.ending {
				t.Errorf("got %+v, want started 4711, ending %v", got, test.ending)
			}
		})
	}
	for _, bad := range []string{"", "42 (x", "42 (x) S 1 2"} {
		if got, err := parseStat(bad); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, got)
		}
	}
}

func TestKillPending(t *testing.T) {
	for _, test := range []struct {
		status string
		want   bool
	}{
		{"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n", false},
		{"SigPnd:\t0000000000000100\nShdPnd:\t0000000000000000\n", true},
		{"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000100\n", true},
		{"SigBlk:\t0000000000000100\nSigPnd:\t0000000000004000\n", false},
	} {
		if got := killPending(test.status); got != test.want {
			t.Errorf("%q: got %v, want %v", test.status, got, test.want)
		}
	}
}

func TestAlive(t *testing.T) {
	command := exec.Command("sleep", "600")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := readProcess(command.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	r := record{PID: command.Process.Pid, Started: p.started}
	if !r.alive() {
		t.Error("a process that runs is not alive")
	}
	if (record{PID: r.PID, Started: "1"}).alive() {
		t.Error("another process with the same ID passes for it")
	}
	if err := unix.Kill(r.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if r.alive() {
		t.Error("a process that was just killed is alive")
	}
	if err := command.Wait(); err == nil {
		t.Error("the process ended well, though it was killed")
	}
	if r.alive() || (record{}).alive() {
		t.Error("no process is alive")
	}
}

func TestOnOwnThreadNeverIsTheMainThread(t *testing.T) {
	for range 200 {
		err := onOwnThread(func() error {
			if unix.Gettid() == os.Getpid() {
				t.Error("ran on the main thread")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
