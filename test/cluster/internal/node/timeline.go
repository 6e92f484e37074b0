package node

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// Ready and Failed begin the timeline's last line: what follows Failed is the
// reason.
const (
	Ready  = "ready"
	Failed = "failed"
)

// timeline records how far the start is, one line for each step, in a file
// that the command which started the cluster reads along. It is safe for
// concurrent use.
type timeline struct {
	mu    sync.Mutex
	file  *os.File
	start time.Time
}

func newTimeline(path string) (*timeline, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("making the timeline: %w", err)
	}
	return &timeline{file: file, start: time.Now()}, nil
}

func (t *timeline) close() {
	// Nothing is left to tell, and nobody to tell it to.
	_ = t.file.Close()
}

// mark writes that a step is done.
func (t *timeline) mark(step string) {
	t.write(fmt.Sprintf("%5.1fs %s\n", time.Since(t.start).Seconds(), step))
}

func (t *timeline) ready() { t.write(Ready + "\n") }

func (t *timeline) fail(err error) { t.write(Failed + " " + err.Error() + "\n") }

func (t *timeline) write(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// A full disk shows in the components' own logs soon enough.
	_, _ = t.file.WriteString(line)
}
