package build

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Progress tells a person what is being built. On a terminal the line of the
// current step counts its seconds; elsewhere a line now and then says that it
// still goes on. It is safe for concurrent use.
type Progress struct {
	out      io.Writer
	terminal bool
	now      func() time.Time

	mu    sync.Mutex
	n, of int
	start time.Time
}

// NewProgress writes to the file.
func NewProgress(out *os.File) *Progress {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &Progress{out: out, terminal: terminal, now: time.Now}
}

// Begin says how many steps follow.
func (p *Progress) Begin(steps int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n, p.of, p.start = 0, steps, p.now()
	if steps > 0 {
		fmt.Fprintf(p.out, "Building %d components; the first time this takes some minutes\n", steps)
	}
}

// End says how long all steps took, if there were any.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of > 0 {
		fmt.Fprintf(p.out, "Built in %s\n", p.since(p.start))
	}
}

// Say writes one line.
func (p *Progress) Say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// Step begins a step; the function that it returns ends it. The goroutine that
// counts the seconds has ended when that function returns.
func (p *Progress) Step(what string) (done func()) {
	p.mu.Lock()
	p.n++
	line := fmt.Sprintf("[%d/%d] %s", p.n, p.of, what)
	start := p.now()
	p.show(line, start)
	p.mu.Unlock()
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() { p.count(line, start, stop) })
	return func() {
		close(stop)
		wait.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.finish(line, start)
	}
}

func (p *Progress) count(line string, start time.Time, stop <-chan struct{}) {
	interval := 30 * time.Second
	if p.terminal {
		interval = time.Second
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			p.mu.Lock()
			p.show(line, start)
			p.mu.Unlock()
		}
	}
}

func (p *Progress) show(line string, start time.Time) {
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s … %s (%s in all)", line, p.since(start), p.since(p.start))
		return
	}
	fmt.Fprintf(p.out, "%s … %s\n", line, p.since(start))
}

func (p *Progress) finish(line string, start time.Time) {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	fmt.Fprintf(p.out, "%s: %s\n", line, p.since(start))
}

func (p *Progress) since(t time.Time) time.Duration {
	return p.now().Sub(t).Round(time.Second)
}
