package process

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary play the children: a process whose first
// argument is a role plays it instead of running the tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := roles()[os.Args[1]]; ok {
			os.Exit(role(os.Args[2:]))
		}
	}
	os.Exit(m.Run())
}

func roles() map[string]func(args []string) int {
	return map[string]func([]string) int{
		"fails":    fails,
		"polite":   polite,
		"stubborn": stubborn,
		"parent":   parent,
	}
}

// fails ends at once.
func fails([]string) int {
	fmt.Println("first words")
	fmt.Fprintln(os.Stderr, "cannot open the door")
	return 3
}

// polite waits for its SIGTERM and leaves a note.
func polite(args []string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	note(args[0], "up "+strconv.Itoa(os.Getpid()))
	<-stop
	note(args[0], "left in order")
	return 0
}

// stubborn ignores its SIGTERM.
func stubborn(args []string) int {
	signal.Ignore(syscall.SIGTERM)
	note(args[0], "up "+strconv.Itoa(os.Getpid()))
	select {}
}

// parent keeps a polite child and dies without stopping it.
func parent(args []string) int {
	l := NewLauncher()
	l.Keep(Spec{Path: os.Args[0], Args: []string{"polite", args[0]}, Log: args[0] + ".log"})
	select {}
}

func note(path, text string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	fmt.Fprintln(f, text)
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: ", what)
		}
	}
}

// upPID waits for a child's note and returns its process.
func upPID(t *testing.T, path string) int {
	t.Helper()
	var pid int
	eventually(t, "the child is up", func() bool {
		text, _ := os.ReadFile(path)
		_, err := fmt.Sscanf(string(text), "up %d\n", &pid)
		return err == nil
	})
	return pid
}

func newLauncher(t *testing.T) *Launcher {
	t.Helper()
	l := NewLauncher()
	t.Cleanup(l.Close)
	return l
}

func TestChildIsStartedAgain(t *testing.T) {
	var pauses []int
	changes := make(chan struct{}, 1000)
	c := newLauncher(t).Keep(Spec{
		Path: os.Args[0], Args: []string{"fails"}, Log: filepath.Join(t.TempDir(), "log"),
		Backoff: func(n int) time.Duration { pauses = append(pauses, n); return time.Millisecond },
		Changed: func() { changes <- struct{}{} },
	})
	eventually(t, "three starts", func() bool { return c.State().Starts >= 3 })
	c.Stop()
	state := c.State()
	if want := "ended with exit status 3, last words: cannot open the door"; state.Problem != want {
		t.Errorf("problem %q, want %q", state.Problem, want)
	}
	if len(pauses) < 2 || pauses[0] != 1 || pauses[1] != 2 {
		t.Errorf("pauses for %v", pauses)
	}
	if len(changes) < 5 {
		t.Errorf("%d changes for three starts and two ends", len(changes))
	}
}

func TestMissingBinaryIsAProblem(t *testing.T) {
	c := newLauncher(t).Keep(Spec{Path: "/no/such/binary", Log: filepath.Join(t.TempDir(), "log")})
	eventually(t, "a problem", func() bool { return strings.Contains(c.State().Problem, "no such file") })
	c.Stop()
}

func TestStopAwaitsAnOrderlyEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "note")
	c := newLauncher(t).Keep(Spec{Path: os.Args[0], Args: []string{"polite", path}, Log: path + ".log", StopTimeout: time.Minute})
	upPID(t, path)
	c.Stop()
	c.Stop()
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "left in order") {
		t.Errorf("note %q, %v", text, err)
	}
}

func TestStopKillsAStubbornChild(t *testing.T) {
	path := filepath.Join(t.TempDir(), "note")
	c := newLauncher(t).Keep(Spec{Path: os.Args[0], Args: []string{"stubborn", path}, Log: path + ".log", StopTimeout: 50 * time.Millisecond})
	pid := upPID(t, path)
	c.Stop()
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("process %d after Stop: %v", pid, err)
	}
}

// A parent that is killed cannot stop its children; the kernel does.
func TestChildDoesNotOutliveItsParent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "note")
	cmd := exec.Command(os.Args[0], "parent", path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	upPID(t, path)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "the child has left", func() bool {
		text, _ := os.ReadFile(path)
		return strings.Contains(string(text), "left in order")
	})
}

func TestStartAfterCloseIsRefused(t *testing.T) {
	l := NewLauncher()
	l.Close()
	c := l.Keep(Spec{Path: os.Args[0], Args: []string{"fails"}, Log: filepath.Join(t.TempDir(), "log")})
	eventually(t, "a problem", func() bool { return c.State().Problem == ErrClosed.Error() })
	c.Stop()
}

func TestLastLine(t *testing.T) {
	tests := []struct{ name, content, want string }{
		{"empty", "", ""},
		{"one line", "a", "a"},
		{"trailing newlines", "a\nb\n\n", "b"},
		{"long", strings.Repeat("x\n", 2000) + "end\n", "end"},
		{"longer than the tail", strings.Repeat("x", 5000), strings.Repeat("x", maxTail)},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := lastLine(path); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
