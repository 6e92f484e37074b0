package main

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// observation is what the sensors of one Gateway have counted.
type observation struct {
	requests   float64
	latency    scrape.Histogram
	l7, l4     string
	opened     map[string]float64
	retransmit float64
	connect    scrape.Histogram
	rtt        scrape.Histogram
}

var sides = []string{"downstream", "upstream"}

func (d *demo) observe(ctx context.Context) (observation, error) {
	o := observation{opened: map[string]float64{}}
	samples, err := d.a.Scrape(ctx, d.http, tenant.SensorMetrics)
	if err != nil {
		return o, err
	}
	for _, s := range samples {
		o.requests += s.Sum("fleetgate_requests_total", nil)
		o.latency = o.latency.Add(s.Histogram("fleetgate_request_duration_seconds", nil))
		o.connect = o.connect.Add(s.Histogram("fleetgate_tcp_connect_duration_seconds", nil))
		o.rtt = o.rtt.Add(s.Histogram("fleetgate_tcp_smoothed_rtt_seconds", nil))
		o.retransmit += s.Sum("fleetgate_tcp_retransmitted_segments_total", nil)
		for _, side := range sides {
			o.opened[side] += s.Sum("fleetgate_tcp_connections_opened_total", scrape.Labels{"side": side})
		}
		o.l7, o.l4 = s.Label("fleetgate_sensor_info", "l7_mode"), s.Label("fleetgate_sensor_info", "l4_mode")
	}
	return o, nil
}

// sensor compares what the kernel counted with what the demo has sent.
func (d *demo) sensor(ctx context.Context) error {
	var now observation
	wait, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	// A request is counted when it has ended for the proxy, which may be just
	// after the client has read all of the answer.
	err := client.Poll(wait, func(ctx context.Context) (err error) {
		if now, err = d.observe(ctx); err != nil {
			return err
		}
		if seen := int64(now.requests - d.before.requests); seen != d.sent {
			return fmt.Errorf("the demo has sent %d requests, the sensor has seen %d", d.sent, seen)
		}
		return nil
	})
	if err != nil {
		return err
	}
	latency := now.latency.Sub(d.before.latency)
	fmt.Printf("requests sent by this demo   %d\n", d.sent)
	fmt.Printf("requests the sensor counted  %.0f  (layer 7: %s, layer 4: %s)\n", now.requests-d.before.requests, now.l7, now.l4)
	fmt.Printf("latency                      p50 %s, p90 %s, p99 %s\n", ms(latency.Quantile(0.5)), ms(latency.Quantile(0.9)), ms(latency.Quantile(0.99)))
	fmt.Printf("connections opened           %.0f by clients, %.0f to backends\n",
		now.opened["downstream"]-d.before.opened["downstream"], now.opened["upstream"]-d.before.opened["upstream"])
	fmt.Printf("TCP                          connect p50 %s, round trip p50 %s, %.0f segments retransmitted\n",
		ms(now.connect.Quantile(0.5)), ms(now.rtt.Quantile(0.5)), now.retransmit-d.before.retransmit)
	return nil
}

func ms(seconds float64) string { return fmt.Sprintf("%.2f ms", seconds*1000) }
