package node

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newTestSupervisor runs shell scripts instead of components.
func newTestSupervisor(t *testing.T, scripts map[string]string) *supervisor {
	t.Helper()
	s := newSupervisor(newReaper())
	s.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	s.bin, s.logs = t.TempDir(), t.TempDir()
	s.restartAfter = time.Millisecond
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(s.bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { s.children.run(ctx) })
	t.Cleanup(func() {
		s.stop()
		cancel()
		wait.Wait()
	})
	return s
}

// awaitLog polls until the component's log holds the text so many times.
func awaitLog(t *testing.T, s *supervisor, name, text string, times int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		content, err := os.ReadFile(filepath.Join(s.logs, name+".log"))
		if err == nil && strings.Count(string(content), text) >= times {
			return
		}
	}
	t.Fatalf("the log of %s never held %q %d times", name, text, times)
}

func TestRunToEnd(t *testing.T) {
	s := newTestSupervisor(t, map[string]string{
		"well": "echo $1", "badly": "exit 3", "killed": "kill -9 $$", "forever": "exec sleep 600",
	})
	if err := s.runToEnd(t.Context(), "well", "well", "said"); err != nil {
		t.Error(err)
	}
	awaitLog(t, s, "well", "said\n", 1)
	for name, want := range map[string]string{"badly": "exit status 3", "killed": "signal killed", "absent": "no such file"} {
		if err := s.runToEnd(t.Context(), name, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.runToEnd(ctx, "forever", "forever"); err == nil {
		t.Error("a program went on after its context had ended")
	}
}

func TestComponentIsStartedAgain(t *testing.T) {
	s := newTestSupervisor(t, map[string]string{"short": "echo started; exit 1"})
	s.start(component{"short", []string{"short"}})
	awaitLog(t, s, "short", "started\n", 3)
}

func TestStopEndsComponentsInReverse(t *testing.T) {
	wait := `trap 'echo ended '$1' >> '$2'; exit 0' TERM; echo started; while :; do sleep 0.01; done`
	s := newTestSupervisor(t, map[string]string{"polite": wait})
	order := filepath.Join(t.TempDir(), "order")
	for _, name := range []string{"first", "second"} {
		s.start(component{name, []string{"polite", name, order}})
		awaitLog(t, s, name, "started\n", 1)
	}
	s.stop()
	got, err := os.ReadFile(order)
	if err != nil {
		t.Fatal(err)
	}
	if want := "ended second\nended first\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStopKillsTheStubborn(t *testing.T) {
	s := newTestSupervisor(t, map[string]string{"stubborn": "trap '' TERM; echo started; while :; do sleep 0.01; done"})
	s.stopWithin = 10 * time.Millisecond
	s.start(component{"stubborn", []string{"stubborn"}})
	awaitLog(t, s, "stubborn", "started\n", 1)
	s.stop()
}

func TestSignalSparesStrangers(t *testing.T) {
	s := newTestSupervisor(t, map[string]string{"short": "exit 0"})
	if err := s.runToEnd(t.Context(), "short", "short"); err != nil {
		t.Fatal(err)
	}
	// This process stands for one that was given the ID of a child which has
	// ended.
	s.children.signal(child{pid: os.Getpid()}, unix.SIGKILL)
}

func TestReaperCollectsOrphans(t *testing.T) {
	s := newTestSupervisor(t, map[string]string{"parent": "sleep 0.05 & echo child $!"})
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); err != nil {
			t.Error(err)
		}
	}()
	if err := s.runToEnd(t.Context(), "parent", "parent"); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(s.logs, "parent.log"))
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimSpace(strings.TrimPrefix(string(content), "child "))
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat("/proc/" + pid); os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("orphan %s was not collected", pid)
		}
	}
}
