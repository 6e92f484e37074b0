package reload

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// pace is the least time between two requests of a worker: some hundred a second are
// enough to meet each reload.
const pace = 2 * time.Millisecond

// load is requests that go on until stop, by several clients.
type load struct {
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu       sync.Mutex
	requests int
	failures []string
}

// start has each client send one request after the other. An answer is right that has
// status 200 and that fine has nothing against.
func start(t *testing.T, url string, fine func(body string) error, clients ...*http.Client) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel}
	for _, client := range clients {
		l.wait.Go(func() {
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				l.count(ctx, ask(ctx, client, url, fine))
				time.Sleep(pace)
			}
		})
	}
	return l
}

func ask(ctx context.Context, client *http.Client, url string, fine func(string) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return fine(string(body))
}

func (l *load) count(ctx context.Context, err error) {
	// What the end of the load has cut is nobody's failure.
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	if err != nil {
		l.failures = append(l.failures, err.Error())
	}
}

// more waits for so many more requests, so that each change meets some.
func (l *load) more(n int) {
	l.mu.Lock()
	until := l.requests + n
	l.mu.Unlock()
	for enough := false; !enough; time.Sleep(pace) {
		l.mu.Lock()
		enough = l.requests >= until
		l.mu.Unlock()
	}
}

// stop ends the load and returns how many requests there were. The first that failed
// fail the test.
func (l *load) stop(t *testing.T) int {
	t.Helper()
	l.cancel()
	l.wait.Wait()
	for i, failure := range l.failures {
		if i == 10 {
			t.Errorf("and %d more", len(l.failures)-i)
			break
		}
		t.Error(failure)
	}
	return l.requests
}
