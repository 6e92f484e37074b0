package supervise

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

// TestMain makes this binary the worker that the tests supervise.
func TestMain(m *testing.M) {
	before, worker := Worker()
	if !worker {
		os.Exit(m.Run())
	}
	if _, err := Sockets(logr.Discard()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	fmt.Println("worker", before)
	switch os.Args[1] {
	case "panic":
		panic("as it should")
	case "fail":
		os.Exit(7)
	case "killed twice":
		if before < 2 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	<-asked
	fmt.Println("asked to stop")
}

// output takes lines.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{}
}

func newOutput() *output { return &output{grew: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.grew <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) await(t *testing.T, text string) {
	t.Helper()
	late := time.After(30 * time.Second)
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.grew:
		case <-late:
			t.Fatalf("no %q in %q", text, o)
		}
	}
}

func options(out *output, behaviour string) Options {
	return Options{
		Path: "/proc/self/exe", Args: []string{"worker", behaviour}, Out: out, Err: out, Log: logr.Discard(),
		FirstPause: time.Millisecond, LastPause: 4 * time.Millisecond, Steady: time.Hour, Most: 4,
	}
}

// A worker that is killed is followed by another one, which knows how many there were,
// and is asked to stop when all is over.
func TestKilledWorkerIsFollowedByAnother(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := newOutput()
	code := make(chan int)
	go func() {
		got, err := Run(ctx, options(out, "killed twice"))
		if err != nil {
			t.Error(err)
		}
		code <- got
	}()
	out.await(t, "worker 2\n")
	cancel()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
	if got, want := out.String(), "worker 0\nworker 1\nworker 2\nasked to stop\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWorkerThatPanicsAgainAndAgainIsLeft(t *testing.T) {
	out := newOutput()
	code, err := Run(t.Context(), options(out, "panic"))
	if err != nil || code != panicked {
		t.Errorf("exit code %d, %v", code, err)
	}
	if n := strings.Count(out.String(), "worker "); n != 5 {
		t.Errorf("%d workers were started", n)
	}
}

func TestWorkerThatEndsByItselfEndsAll(t *testing.T) {
	out := newOutput()
	if code, err := Run(t.Context(), options(out, "fail")); err != nil || code != 7 {
		t.Errorf("exit code %d, %v", code, err)
	}
	if got := out.String(); got != "worker 0\n" {
		t.Errorf("got %q", got)
	}
}

func TestRunReportsAWorkerThatCannotStart(t *testing.T) {
	o := options(newOutput(), "")
	o.Path = "/nonexistent"
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("no error")
	}
}
