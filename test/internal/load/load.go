package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what to send. Client and URL are required.
type Options struct {
	Client *http.Client
	URL    string
	// Host overrides the Host header.
	Host string
	// Workers is the number of requests in flight, 8 by default.
	Workers int
	// Max ends the run after that many requests; zero means two million, so that
	// a run always ends by itself.
	Max int64
	// Pace is the least time between two requests of one worker.
	Pace time.Duration
	// Classify names an answer for Result.Classes; nil puts the status code
	// there.
	Classify func(*http.Response, []byte) string
}

// Result is what a run has seen.
type Result struct {
	Requests, Failed int64
	// Classes counts the answers by Options.Classify.
	Classes map[string]int64
	// Errors counts the failures by what they were.
	Errors  map[string]int64
	Elapsed time.Duration
	// FirstFailure and LastFailure are how long after the start they came.
	FirstFailure, LastFailure time.Duration
}

// String is one line for a test's log.
func (r Result) String() string {
	line := fmt.Sprintf("%d requests, %d failed, in %.1f s", r.Requests, r.Failed, r.Elapsed.Seconds())
	if r.Failed > 0 {
		line += fmt.Sprintf("; failures came %.3f to %.3f s after the start", r.FirstFailure.Seconds(), r.LastFailure.Seconds())
	}
	names := make([]string, 0, len(r.Errors))
	for name := range r.Errors {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		line += fmt.Sprintf("; %d × %s", r.Errors[name], name)
	}
	return line
}

// Run is a stream of requests that is under way. Stop ends it.
type Run struct {
	opts   Options
	cancel context.CancelFunc
	done   sync.WaitGroup
	sent   atomic.Int64
	start  time.Time

	mu     sync.Mutex
	result Result
}

// Start begins to send. A request fails when it gets no answer, a cut one, or
// one of 400 or above. The caller must call Stop.
func Start(ctx context.Context, opts Options) *Run {
	if opts.Workers == 0 {
		opts.Workers = 8
	}
	if opts.Max == 0 {
		opts.Max = 2_000_000
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &Run{opts: opts, cancel: cancel, start: time.Now()}
	r.result.Classes, r.result.Errors = map[string]int64{}, map[string]int64{}
	for range opts.Workers {
		r.done.Go(func() { r.work(ctx) })
	}
	return r
}

// Sent is the number of requests begun so far.
func (r *Run) Sent() int64 { return r.sent.Load() }

// WaitSent blocks until n requests were begun or the context ends.
func (r *Run) WaitSent(ctx context.Context, n int64) error {
	for r.Sent() < n {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d requests, %d were sent: %w", n, r.Sent(), ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// Stop lets the requests in flight finish and returns what was seen.
func (r *Run) Stop() Result {
	r.cancel()
	return r.Wait()
}

// Wait blocks until Max requests were answered.
func (r *Run) Wait() Result {
	r.done.Wait()
	r.cancel()
	r.result.Elapsed = time.Since(r.start)
	return r.result
}

func (r *Run) work(ctx context.Context) {
	for ctx.Err() == nil && r.sent.Add(1) <= r.opts.Max {
		class, err := r.one()
		r.count(class, err)
		if r.opts.Pace > 0 {
			time.Sleep(r.opts.Pace)
		}
	}
}

// one sends a single request. It has a context of its own, so that Stop does
// not cut it short and count it as failed.
func (r *Run) one() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.opts.URL, nil)
	if err != nil {
		return "", err
	}
	req.Host = r.opts.Host
	resp, err := r.opts.Client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("reading the body: %w", err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	if r.opts.Classify == nil {
		return fmt.Sprint(resp.StatusCode), nil
	}
	return r.opts.Classify(resp, body), nil
}

func (r *Run) count(class string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Requests++
	if err != nil {
		r.result.LastFailure = time.Since(r.start)
		if r.result.Failed == 0 {
			r.result.FirstFailure = r.result.LastFailure
		}
		r.result.Failed++
		r.result.Errors[reason(err)]++
		return
	}
	r.result.Classes[class]++
}

// reason drops what differs from request to request, such as the client's port.
func reason(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 && strings.Contains(text, "->") {
		return text[i+2:]
	}
	return text
}
