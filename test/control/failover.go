package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
)

func failoverSection() section {
	return section{
		name: "failover", title: "Failover of a backend",
		about: `Sixteen routes with sixteen rules each lead to one Service with four endpoints, without retries. One endpoint refuses
connections for a while, and serves again for as long; those that were open are cut. 200 requests a second go over all
256 paths. Back is the time from the moment at which it serves again to the first request that it gets.`,
		flags:   func(o options) string { return fmt.Sprintf(" -outages %d -outage %s", o.outages, o.outage) },
		limit:   func(o options) time.Duration { return 3*time.Minute + time.Duration(2*o.outages)*o.outage },
		measure: measureFailover,
	}
}

const (
	failoverRoutes, failoverRules = 16, 16
	failoverRate                  = 200
	failoverWorkers               = 8
)

func measureFailover(ctx context.Context, b *bench) ([]figure, error) {
	s, err := b.space(ctx, "failover")
	if err != nil {
		return nil, err
	}
	defer s.leave(ctx)
	endpoints, err := s.serveEndpoints(ctx, 4)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, e := range endpoints {
			e.refuse()
		}
	}()
	if err := s.failoverRoutes(ctx); err != nil {
		return nil, err
	}
	var worst, sum int64
	var backs []time.Duration
	for range b.outages {
		failed, back, err := s.outage(ctx, endpoints[0])
		if err != nil {
			return nil, err
		}
		sum, worst = sum+failed, max(worst, failed)
		backs = append(backs, back)
	}
	return []figure{
		count("outages", b.outages),
		count("proxies", len(s.pods)),
		count("requests in an outage and after", int(b.outage.Seconds()*2*failoverRate)),
		{what: "failed per outage and proxy, mean", value: float64(sum) / float64(b.outages*len(s.pods)), show: func(v float64) string { return fmt.Sprintf("%.1f", v) }},
		{what: "the same, at most", value: float64(worst) / float64(len(s.pods)), show: func(v float64) string { return fmt.Sprintf("%.1f", v) }, most: new(2.0),
			peers: [4]string{"25 % of its share", "its whole share", "its whole share", "0, by retries"}},
		millis("back, at most", slices.Max(backs)).atMost(300),
	}, nil
}

// outage has the endpoint refuse and serve again, under load.
func (s *space) outage(ctx context.Context, e *endpoint) (failed int64, back time.Duration, err error) {
	var next atomic.Int64
	transport := s.Transport()
	run := load.Start(ctx, load.Options{
		Client: &http.Client{Transport: paths{transport, &next}}, URL: "http://" + s.address + "/",
		Workers: failoverWorkers, Pace: failoverWorkers * time.Second / failoverRate,
	})
	defer transport.CloseIdleConnections()
	stop := func() load.Result { r := run.Stop(); fmt.Println("  ", r); return r }
	if err := pause(ctx, s.options.outage/4); err != nil {
		return stop().Failed, 0, err
	}
	e.refuse()
	if err := pause(ctx, s.options.outage); err != nil {
		return stop().Failed, 0, err
	}
	if err := e.serve(ctx); err != nil {
		return stop().Failed, 0, err
	}
	up := time.Now()
	err = client.Poll(ctx, func(context.Context) error {
		if e.first.Load() == 0 {
			return fmt.Errorf("the endpoint gets no requests %s after its return", time.Since(up).Round(time.Millisecond))
		}
		return nil
	})
	back = time.Unix(0, e.first.Load()).Sub(up)
	if err == nil {
		err = pause(ctx, max(0, s.options.outage-time.Since(up)))
	}
	return stop().Failed, back, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// paths sends each request to the next of all paths.
type paths struct {
	http.RoundTripper
	next *atomic.Int64
}

func (p paths) RoundTrip(r *http.Request) (*http.Response, error) {
	n := int(p.next.Add(1)) % (failoverRoutes * failoverRules)
	r = r.Clone(r.Context())
	r.Host, r.URL.Path = failoverHost(n/failoverRules), failoverPath(n%failoverRules)
	return p.RoundTripper.RoundTrip(r)
}

func failoverHost(route int) string { return fmt.Sprintf("failover-%d.example.com", route) }
func failoverPath(rule int) string  { return fmt.Sprintf("/path-%d", rule) }

func (s *space) failoverRoutes(ctx context.Context) error {
	for i := range failoverRoutes {
		route := s.route(s.namespace, fmt.Sprintf("failover-%d", i), failoverHost(i), "four", 80)
		for j := range failoverRules {
			route.Spec.Rules = append(route.Spec.Rules[:j], rule(failoverPath(j), "four", 80))
		}
		if err := s.Cluster.Client.Create(ctx, route); err != nil {
			return err
		}
	}
	http1 := s.HTTPClient()
	return client.Poll(ctx, func(ctx context.Context) error {
		for i := range failoverRoutes {
			for _, pod := range s.pods {
				if status, _, err := get(ctx, http1, pod.Status.PodIP, failoverHost(i), failoverPath(0)); err != nil || status != http.StatusOK {
					return fmt.Errorf("pod %s answers %d for route %d: %w", pod.Name, status, i, err)
				}
			}
		}
		return nil
	})
}

// endpoint is a backend on the node that can refuse connections.
type endpoint struct {
	*bench
	address string
	// first is when it got a request for the first time since it serves.
	first atomic.Int64

	mu     sync.Mutex
	server *http.Server
}

// serveEndpoints starts n backends, and makes the Service "four" of them. Each has
// an EndpointSlice of its own, as their ports differ.
func (s *space) serveEndpoints(ctx context.Context, n int) ([]*endpoint, error) {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "four"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(80)}}},
	}
	if err := s.Cluster.Client.Create(ctx, service); err != nil {
		return nil, err
	}
	var all []*endpoint
	for i := range n {
		e := &endpoint{bench: s.bench, address: net.JoinHostPort(client.NodeIP, "0")}
		if err := e.serve(ctx); err != nil {
			return nil, err
		}
		address, err := net.ResolveTCPAddr("tcp", e.address)
		if err != nil {
			return nil, err
		}
		slice := s.slice(s.namespace, fmt.Sprintf("four-%d", i), "four", client.NodeIP, int32(address.Port))
		if err := s.Cluster.Client.Create(ctx, slice); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// slice is an EndpointSlice with one endpoint.
func (s *space) slice(namespace, name, service, address string, port int32) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("http"), Port: &port}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)}}},
	}
}

// serve listens at the address, and keeps the port that it gets.
func (e *endpoint) serve(ctx context.Context) error {
	listener, err := e.Listen(ctx, "tcp", e.address)
	if err != nil {
		return err
	}
	e.first.Store(0)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		e.first.CompareAndSwap(0, time.Now().UnixNano())
		w.WriteHeader(http.StatusOK)
	})}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.address, e.server = listener.Addr().String(), server
	go server.Serve(listener)
	return nil
}

// refuse closes the listener and all connections.
func (e *endpoint) refuse() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.server.Close()
}
