package supervise

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

// TestMain makes this binary the worker that the tests supervise.
func TestMain(m *testing.M) {
	if !IsWorker() {
		os.Exit(m.Run())
	}
	fmt.Println("started", os.Getpid())
	switch os.Args[1] {
	case "crash":
		os.Exit(3)
	case "wait":
		<-Lifeline(context.Background()).Done()
		fmt.Println("supervisor is gone")
	}
}

// lines is a writer that tells each line it gets.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	each chan string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	for {
		line, err := l.text.ReadString('\n')
		if err != nil {
			l.text.WriteString(line)
			return len(p), nil
		}
		l.each <- strings.TrimSpace(line)
	}
}

func options(out *lines, behaviour string) Options {
	return Options{
		Path: "/proc/self/exe", Args: []string{behaviour}, Output: out, Log: logr.Discard(),
		FirstPause: time.Millisecond, LastPause: 4 * time.Millisecond, Steady: time.Hour,
	}
}

func TestRunRestartsAWorkerThatCrashes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &lines{each: make(chan string, 100)}
	done := make(chan error)
	go func() { done <- Run(ctx, options(out, "crash")) }()
	seen := map[string]bool{}
	for len(seen) < 3 {
		seen[<-out.each] = true
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestRunStopsTheWorker(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &lines{each: make(chan string, 100)}
	done := make(chan error)
	go func() { done <- Run(ctx, options(out, "wait")) }()
	var pid int
	if _, err := fmt.Sscanf(<-out.each, "started %d", &pid); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); !os.IsNotExist(err) {
		t.Errorf("worker %d is still there: %v", pid, err)
	}
}

func TestRunReportsAWorkerThatCannotStart(t *testing.T) {
	o := options(&lines{}, "")
	o.Path = "/nonexistent"
	if err := Run(t.Context(), o); err == nil {
		t.Error("Run returned no error")
	}
}
