package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

func TestSensorCountsExactlyTheRequestsThatWereSent(t *testing.T) {
	s := settled(t, "sensor")
	route := scrape.Labels{"route": s.namespace + "/shop"}
	count := func(ctx context.Context) (float64, scrape.Histogram, error) {
		samples, err := s.gateway.Scrape(ctx, cluster.HTTPClient(), tenant.SensorMetrics)
		var requests float64
		var latency scrape.Histogram
		for _, sample := range samples {
			requests += sample.Sum("fleetgate_requests_total", route)
			latency = latency.Add(sample.Histogram("fleetgate_request_duration_seconds", route))
			if mode := sample.Label("fleetgate_sensor_info", "l7_mode"); mode == "" {
				err = fmt.Errorf("a sensor does not say its mode")
			}
			if opened := sample.Sum("fleetgate_tcp_connections_opened_total", nil); opened == 0 {
				err = fmt.Errorf("a sensor has seen no TCP connection")
			}
		}
		return requests, latency, err
	}
	before, beforeLatency, err := count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const sent = 20_000
	if result := s.load("shop.example.com", load.Options{Max: sent}).Wait(); result.Failed > 0 {
		t.Fatal(result)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = client.Poll(ctx, func(ctx context.Context) error {
		now, latency, err := count(ctx)
		if err != nil {
			return err
		}
		if now-before != sent || latency.Count-beforeLatency.Count != sent {
			return fmt.Errorf("%d requests were sent; the sensors counted %.0f and measured %.0f", sent, now-before, latency.Count-beforeLatency.Count)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
