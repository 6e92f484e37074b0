package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/scrape"
)

// hostname is that of the sample's routes.
const hostname = "shop.example.com"

// runs is a stream of requests over connections of its own.
type runs struct {
	*load.Run
	transport *http.Transport
}

// Stop ends the stream and closes its connections, so that no proxy waits for
// them when it drains.
func (r *runs) Stop() load.Result {
	defer r.transport.CloseIdleConnections()
	return r.Run.Stop()
}

// stream sends requests to the Gateway until it is stopped.
func stream(ctx context.Context, g gateway) *runs { return begin(ctx, g, 0, time.Millisecond) }

// ask sends n requests, one after the other, and returns the answers.
func ask(ctx context.Context, g gateway, n int64) load.Result {
	r := begin(ctx, g, n, 0)
	defer r.transport.CloseIdleConnections()
	return r.Wait()
}

func begin(ctx context.Context, g gateway, most int64, pace time.Duration) *runs {
	transport := &http.Transport{}
	return &runs{transport: transport, Run: load.Start(ctx, load.Options{
		Client: &http.Client{Transport: transport}, URL: g.url(), Host: hostname,
		Workers: 1, Max: most, Pace: pace, Classify: classify,
	})}
}

// classify tells by whose route and which version a request was answered, as in
// "tenant-a v1".
func classify(_ *http.Response, body []byte) string {
	var answer struct {
		Version string
		Headers map[string][]string
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "unknown"
	}
	return strings.Join(answer.Headers["X-Tenant"], ",") + " " + answer.Version
}

// sensorRequests are sent to compare the sensor's count with.
const sensorRequests = 1000

// measured sends requests to tenant a and compares what the sensor has counted
// of them. It begins once the sensor counts at all: a proxy never waits for its
// sensor, so the very first requests may come before it.
func (st *story) measured() error {
	if len(st.a.Metrics) < 2 {
		fmt.Println("note: no sensor runs")
		return nil
	}
	before, err := st.counted(1)
	for start := time.Now(); before == 0; before, err = st.counted(1) {
		if err != nil || time.Since(start) > patience {
			return errors.Join(err, errors.New("the sensor counts nothing"))
		}
		ask(st.ctx, st.a, 1)
	}
	result := ask(st.ctx, st.a, sensorRequests)
	after, err := st.counted(before + sensorRequests)
	fmt.Printf("measured: tenant-a: %s, %.0f counted by the sensor\n", result, after-before)
	if err == nil && (result.Failed > 0 || after-before != sensorRequests) {
		err = errors.New("the sensor's count is not exact")
	}
	return err
}

// counted returns the sensor's count of requests, for which it waits a moment
// to reach the least.
func (st *story) counted(least float64) (float64, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		sample, err := scrape.Get(st.ctx, client, st.a.Metrics[1])
		count := sample.Sum("fleetgate_requests_total", nil)
		if err != nil || count >= least || time.Since(start) > time.Second {
			return count, err
		}
	}
}
