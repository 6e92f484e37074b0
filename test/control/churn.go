package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/scrape"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

func churnSection() section {
	return section{
		name: "churn", title: "Many routes with churn",
		about: `Each route has a Service and an endpoint of its own (nothing runs there), a hundred to a namespace. Then an endpoint changes
every two seconds and a route every second. The figures are those of the time of churn alone, memory the greatest seen once a second.
RSS has the program's own pages in it, which all its instances share, and those of a proxy twice, as it has a supervisor;
anonymous memory has none. The working set is the container's memory as Kubernetes counts it, like the peers' figures. Series are those of the
proxy's metrics and the sensor's together. At last 100 routes are probed while the churn goes on.`,
		flags: func(o options) string { return fmt.Sprintf(" -crowd %d -minutes %g", o.crowd, o.churn.Minutes()) },
		limit: func(o options) time.Duration {
			return 4*time.Minute + time.Duration(o.crowd)*100*time.Millisecond + 2*o.churn
		},
		measure: measureChurn,
	}
}

// crowdPerNamespace is how many routes share a namespace.
const crowdPerNamespace = 100

func measureChurn(ctx context.Context, b *bench) ([]figure, error) {
	s, err := b.space(ctx, "churn")
	if err != nil {
		return nil, err
	}
	defer s.leave(ctx)
	var namespaces []string
	for i := range (b.crowd + crowdPerNamespace - 1) / crowdPerNamespace {
		name, err := s.extend(ctx, fmt.Sprint(i))
		if err != nil {
			return nil, err
		}
		namespaces = append(namespaces, name)
	}
	start := time.Now()
	if err := each(ctx, b.crowd, func(ctx context.Context, i int) error { return s.crowd(ctx, namespaces[i/crowdPerNamespace], i) }); err != nil {
		return nil, err
	}
	created := time.Since(start)
	if err := s.waitAttached(ctx, b.crowd); err != nil {
		return nil, err
	}
	m, err := s.meter(ctx)
	if err != nil {
		return nil, err
	}
	churning, stop := context.WithCancel(ctx)
	churned := make(chan error, 1)
	go func() { churned <- s.churnOn(churning, namespaces) }()
	err = m.run(ctx, b.churn)
	p := newProber(s)
	for i := 0; i < 100 && err == nil; i++ {
		err = p.probe(ctx, i)
	}
	stop()
	if err := errors.Join(err, <-churned); err != nil {
		return nil, err
	}
	probed := summarize(p.times)
	return append(m.figures(250<<20, 40<<20),
		rate("operator: allocated", m.allocated, m.elapsed).atMost(500).beside("580 kB/s", "48.4 MB/s", "1.21 GB/s", "161 MB/s"),
		cores("operator: CPU", m.operatorCPU, m.elapsed).atMost(0.05).beside("0.0073 *", "0.135 *", "3.83 *", "0.411 *"),
		cores("proxy: CPU", m.proxyCPU, m.elapsed).atMost(0.005).beside("0.0013 *", "0.156 *", "0.366 *", "1.15 *"),
		count("series of a pod", m.series).atMost(500),
		seconds("creating all routes, Services and endpoints", created),
		millis("probes meanwhile: mean", probed.mean).aimAt(10, 25, b.machine.Cores).beside("21.4 ms *", "376 ms *", "2080 ms *", "never"),
		millis("probes meanwhile: max", probed.most).aimAt(60, 150, b.machine.Cores).beside("62.7 ms *", "510 ms *", "3860 ms *", "never"),
		count("probes meanwhile: wrong answers", p.wrong).atMost(0)), nil
}

func crowdName(i int) string { return fmt.Sprintf("app-%05d", i) }

// crowd makes one application.
func (s *space) crowd(ctx context.Context, namespace string, i int) error {
	name := crowdName(i)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
	route := s.route(namespace, name, name+".example.com", name, 80)
	route.Spec.Rules[0].Filters = []gatewayv1.HTTPRouteFilter{{
		Type:                   gatewayv1.HTTPRouteFilterResponseHeaderModifier,
		ResponseHeaderModifier: &gatewayv1.HTTPHeaderFilter{Set: []gatewayv1.HTTPHeader{{Name: "X-Mark", Value: "0"}}},
	}}
	for _, object := range []ctrlclient.Object{service, s.slice(namespace, name, name, crowdAddress(i, 0), 8080), route} {
		if err := s.Cluster.Client.Create(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// crowdAddress is of a range that no network of the cluster has.
func crowdAddress(i, turn int) string { return fmt.Sprintf("172.%d.%d.%d", 20+turn%8, i/250, i%250+1) }

// churnOn changes a route every second and an endpoint every two, in turn.
func (s *space) churnOn(ctx context.Context, namespaces []string) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for turn := 1; ; turn++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		i := turn * 7 % s.options.crowd
		name := types.NamespacedName{Namespace: namespaces[i/crowdPerNamespace], Name: crowdName(i)}
		route := &gatewayv1.HTTPRoute{}
		route.Namespace, route.Name = name.Namespace, name.Name
		if err := s.Cluster.Client.Patch(ctx, route, markPatch(0, fmt.Sprint(turn))); ctrlclient.IgnoreNotFound(err) != nil && ctx.Err() == nil {
			return err
		}
		if turn%2 == 1 {
			continue
		}
		slice := s.slice(name.Namespace, name.Name, name.Name, crowdAddress(i, turn), 8080)
		if err := s.Cluster.Client.Update(ctx, slice); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// waitAttached waits until as many routes are attached to the Gateway and its
// ListenerSets, as its status says it, and its proxies serve them.
func (s *space) waitAttached(ctx context.Context, want int) error {
	return client.Poll(ctx, func(ctx context.Context) error {
		gateway := &gatewayv1.Gateway{}
		if err := s.Cluster.Client.Get(ctx, s.gateway.Name, gateway); err != nil {
			return err
		}
		if got := gateway.Status.Listeners[0].AttachedRoutes; int(got) != want {
			return fmt.Errorf("attachedRoutes is %d, want %d", got, want)
		}
		return nil
	})
}

// meter measures what operator and proxy use of the machine.
type meter struct {
	*space
	operatorProcess, proxyProcess processes
	operator, proxy               usage
	operatorCPU, proxyCPU         time.Duration
	elapsed                       time.Duration
	allocated                     float64
	series                        int
}

func (s *space) meter(ctx context.Context) (*meter, error) {
	m := &meter{space: s}
	var err error
	if m.operatorProcess, err = s.bench.operator(ctx); err != nil {
		return nil, err
	}
	m.proxyProcess, err = processesOf(&s.pods[0], proxyProgram)
	return m, err
}

// run measures for a while.
func (m *meter) run(ctx context.Context, while time.Duration) error {
	allocated, err := m.allocatedBytes(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := m.sample(); err != nil {
		return err
	}
	operatorCPU, proxyCPU := m.operator.cpu, m.proxy.cpu
	for time.Since(start) < while {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		if err := m.sample(); err != nil {
			return err
		}
	}
	m.elapsed = time.Since(start)
	m.operatorCPU, m.proxyCPU = m.operator.cpu-operatorCPU, m.proxy.cpu-proxyCPU
	after, err := m.allocatedBytes(ctx)
	if err != nil {
		return err
	}
	m.allocated = after - allocated
	m.series, err = m.countSeries(ctx)
	return err
}

func (m *meter) sample() error {
	operator, err := m.operatorProcess.usage()
	if err != nil {
		return err
	}
	proxy, err := m.proxyProcess.usage()
	m.operator, m.proxy = m.operator.greater(operator), m.proxy.greater(proxy)
	return err
}

func (m *meter) countSeries(ctx context.Context) (n int, err error) {
	for _, port := range []int{tenant.ProxyMetrics, tenant.SensorMetrics} {
		sample, err := scrape.Get(ctx, m.HTTPClient(), fmt.Sprintf("http://%s:%d/metrics", m.pods[0].Status.PodIP, port))
		if err != nil {
			return 0, err
		}
		n += sample.Series()
	}
	return n, nil
}

// figures are those of memory, with their bars in bytes.
func (m *meter) figures(operator, proxy uint64) []figure {
	const mib = 1 << 20
	return []figure{
		mebibytes("operator: working set", m.operator.workingSet).atMost(float64(operator/mib)).beside("511 MiB *", "718 MiB *", "2744 MiB *", "550 MiB *"),
		mebibytes("operator: RSS", m.operator.rss).atMost(float64(operator / mib)),
		mebibytes("operator: anonymous memory", m.operator.anonymous),
		mebibytes("proxy: working set", m.proxy.workingSet).atMost(float64(proxy/mib)).beside("46.3 MiB *", "1874 MiB *", "1198 MiB *", "1925 MiB *"),
		mebibytes("proxy: RSS", m.proxy.rss).atMost(float64(proxy / mib)),
		mebibytes("proxy: anonymous memory", m.proxy.anonymous),
	}
}
