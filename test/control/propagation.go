package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func propagationSection() section {
	return section{
		name: "propagation", title: "Propagation of a route",
		about: `Routes are created one after another, each with a hostname of its own, four header filters, a rule to a good backend and a
second one to a Service that does not exist. Every proxy of the Gateway is asked every millisecond for the first rule
until it answers 200; the time runs from the API server's answer to the create until the last proxy's right answer. Anything
but 404 before it is a wrong answer. The peers were asked every 5 ms, and one proxy alone.`,
		flags:   func(o options) string { return fmt.Sprintf(" -routes %d", o.probed) },
		limit:   func(o options) time.Duration { return 3*time.Minute + time.Duration(o.probed)*200*time.Millisecond },
		measure: measurePropagation,
	}
}

func measurePropagation(ctx context.Context, b *bench) ([]figure, error) {
	s, err := b.space(ctx, "propagation")
	if err != nil {
		return nil, err
	}
	defer s.leave(ctx)
	p := newProber(s)
	for i := range b.probed {
		if err := p.probe(ctx, i); err != nil {
			return nil, err
		}
	}
	all := p.times
	p.times = nil
	for i := range changesAtEnd {
		if err := p.change(ctx, i%b.probed, i); err != nil {
			return nil, err
		}
	}
	return p.figures(all), nil
}

// changesAtEnd is how many route changes are measured when all routes are there.
const changesAtEnd = 100

// prober measures how long routes take to all proxies of a Gateway.
type prober struct {
	*space
	// clients are one for each proxy.
	clients []*http.Client
	// written is from the request to the API server to its answer, and times from
	// there to the effect.
	written, times []time.Duration
	wrong          int
}

func newProber(s *space) *prober {
	p := &prober{space: s}
	for range s.pods {
		p.clients = append(p.clients, s.HTTPClient())
	}
	return p
}

func probeName(i int) string { return fmt.Sprintf("probe-%05d", i) }
func probeHost(i int) string { return fmt.Sprintf("probe-%05d.example.com", i) }
func probePath(i int) string { return fmt.Sprintf("/%d", i) }

// probed is the route of a number, whose mark is in its answers.
func (p *prober) probed(i int, mark string) *gatewayv1.HTTPRoute {
	route := p.route(p.namespace, probeName(i), probeHost(i), "echo", 8080)
	good := rule(probePath(i), "echo", 8080)
	set := func(name, value string) *gatewayv1.HTTPHeaderFilter {
		return &gatewayv1.HTTPHeaderFilter{Set: []gatewayv1.HTTPHeader{{Name: gatewayv1.HTTPHeaderName(name), Value: value}}, Remove: []string{name + "-Not"}}
	}
	good.Filters = []gatewayv1.HTTPRouteFilter{
		{Type: gatewayv1.HTTPRouteFilterRequestHeaderModifier, RequestHeaderModifier: set("X-Probe", mark)},
		{Type: gatewayv1.HTTPRouteFilterResponseHeaderModifier, ResponseHeaderModifier: set("X-Mark", mark)},
	}
	route.Spec.Rules = []gatewayv1.HTTPRouteRule{good, rule("/", "nowhere", 8080)}
	return route
}

// probe creates a route and waits for it.
func (p *prober) probe(ctx context.Context, i int) error {
	start := time.Now()
	if err := p.Cluster.Client.Create(ctx, p.probed(i, "0")); err != nil {
		return err
	}
	return p.await(ctx, i, "0", start, http.StatusNotFound)
}

// change changes a route and waits for that.
func (p *prober) change(ctx context.Context, i, number int) error {
	route := &gatewayv1.HTTPRoute{}
	route.Namespace, route.Name = p.namespace, probeName(i)
	mark := fmt.Sprint("change-", number)
	start := time.Now()
	if err := p.Cluster.Client.Patch(ctx, route, markPatch(1, mark)); err != nil {
		return err
	}
	return p.await(ctx, i, mark, start, http.StatusOK)
}

// await asks all proxies until each has answered with the mark. Until then they
// may answer with the status of before.
func (p *prober) await(ctx context.Context, i int, mark string, start time.Time, before int) error {
	answered := time.Now()
	for n := range p.pods {
		for {
			status, got, err := get(ctx, p.clients[n], p.pods[n].Status.PodIP, probeHost(i), probePath(i))
			if err != nil {
				return fmt.Errorf("%s: %w", probeName(i), err)
			}
			if status == http.StatusOK && got == mark {
				break
			}
			if status != before {
				p.wrong++
			}
			// Asking without a pause would take the CPU from what is measured.
			time.Sleep(time.Millisecond)
		}
	}
	p.written = append(p.written, answered.Sub(start))
	p.times = append(p.times, time.Since(answered))
	return nil
}

func (p *prober) figures(all []time.Duration) []figure {
	n := len(all)
	whole, changed := summarize(all), summarize(p.times)
	figures := []figure{
		millis("mean", whole.mean).aimAt(10, 25, p.machine.Cores).beside("16.6 ms *", "221 ms *", "320 ms *", "508 ms *"),
		millis("median", whole.median),
		millis("p99", whole.p99),
		millis("max", whole.most).aimAt(60, 150, p.machine.Cores).beside("74.6 ms *", "1240 ms *", "1210 ms *", "919 ms *"),
		count("wrong answers", p.wrong).atMost(0).beside("0", "0", "14,808", "0"),
		millis("the write itself, mean", summarize(p.written).mean),
	}
	at := []int{1, 1000, n}
	for i, position := range at {
		if i > 0 && (position > n || position == at[i-1]) {
			continue
		}
		around := summarize(all[max(0, min(position-51, n-100)):min(n, max(position+49, 100))])
		f := millis(fmt.Sprintf("mean of the 100 around route %d", position), around.mean)
		if position == n && n >= 3000 {
			f = f.beside("~30 ms", "~300 ms", "~600 ms", "~840 ms")
		}
		figures = append(figures, f)
	}
	return append(figures,
		millis(fmt.Sprintf("change of one of %d routes, mean", n), changed.mean).aimAt(10, 25, p.machine.Cores),
		millis("the same, max", changed.most).aimAt(60, 150, p.machine.Cores))
}

// summary is what many times come to.
type summary struct{ mean, median, p99, most time.Duration }

func summarize(times []time.Duration) summary {
	if len(times) == 0 {
		return summary{}
	}
	sorted := slices.Sorted(slices.Values(times))
	var sum time.Duration
	for _, d := range sorted {
		sum += d
	}
	n := len(sorted)
	return summary{mean: sum / time.Duration(n), median: sorted[n/2], p99: sorted[n*99/100], most: sorted[n-1]}
}
