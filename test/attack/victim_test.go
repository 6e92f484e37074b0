package attack

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"
)

// pace is the least time between two requests of a victim.
const pace = 2 * time.Millisecond

// victim is a client that behaves: one connection, one request at a time.
type victim struct {
	client http.Client
	url    string
	host   string
}

func newVictim(t *testing.T, address, host string) *victim {
	v := &victim{client: http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxConnsPerHost: 1}},
		url: "http://" + address + "/victim", host: host}
	t.Cleanup(v.client.CloseIdleConnections)
	return v
}

// ask sends one request and returns how long the answer took.
func (v *victim) ask() (time.Duration, error) {
	request, err := http.NewRequest(http.MethodGet, v.url, nil)
	if err != nil {
		return 0, err
	}
	request.Host = v.host
	start := time.Now()
	answer, err := v.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || string(body) != "fine") {
		err = fmt.Errorf("status %d with %q", answer.StatusCode, body)
	}
	return time.Since(start), err
}

// latencies are what a victim saw, in the order of their length.
type latencies []time.Duration

// during asks until the channel is closed.
func (v *victim) during(end <-chan struct{}) (seen latencies, err error) {
	for {
		select {
		case <-end:
			slices.Sort(seen)
			return seen, nil
		case <-time.After(pace):
		}
		took, err := v.ask()
		if err != nil {
			return seen, err
		}
		seen = append(seen, took)
	}
}

// p50 is the latency that half of them exceed, p99 one in a hundred.
func (l latencies) p50() time.Duration { return l.percentile(50) }
func (l latencies) p99() time.Duration { return l.percentile(99) }

func (l latencies) percentile(p int) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[len(l)*p/100]
}
