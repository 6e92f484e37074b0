package main

import (
	"context"
	"encoding/json"
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

// measured compares what the sensor of tenant a has counted with what was sent.
func (st *story) measured() error {
	if len(st.a.Metrics) < 2 {
		fmt.Println("note: no sensor runs")
		return nil
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var counted float64
	for start := time.Now(); time.Since(start) < patience; time.Sleep(100 * time.Millisecond) {
		sample, err := scrape.Get(st.ctx, client, st.a.Metrics[1])
		if err != nil {
			return err
		}
		if counted = sample.Sum("fleetgate_requests_total", nil); counted >= float64(st.sent) {
			break
		}
	}
	fmt.Printf("measured: tenant-a: %d requests sent, %.0f counted by the sensor\n", st.sent, counted)
	if int64(counted) != st.sent {
		return fmt.Errorf("the sensor has counted %.0f requests of %d", counted, st.sent)
	}
	return nil
}
