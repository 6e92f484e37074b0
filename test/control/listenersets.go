package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

func listenerSetsSection() section {
	return section{
		name: "listenersets", title: "Routes by ListenerSets",
		about: `Fifty ListenerSets to a namespace, each with a listener for a hostname of its own and sixteen routes, all on one Gateway. It is
served when every proxy answers for the route that was made last. Memory is the greatest seen in the 30 s after that,
which include the collection of what the burst has left.`,
		flags:   func(o options) string { return fmt.Sprintf(" -sets %d", o.sets) },
		limit:   func(o options) time.Duration { return 5*time.Minute + time.Duration(o.sets)*time.Second },
		measure: measureListenerSets,
	}
}

const (
	routesPerSet     = 16
	setsPerNamespace = 50
)

func measureListenerSets(ctx context.Context, b *bench) ([]figure, error) {
	s, err := b.space(ctx, "listenersets")
	if err != nil {
		return nil, err
	}
	defer s.leave(ctx)
	var namespaces []string
	for i := range (b.sets + setsPerNamespace - 1) / setsPerNamespace {
		name, err := s.extend(ctx, fmt.Sprint(i))
		if err != nil {
			return nil, err
		}
		namespaces = append(namespaces, name)
	}
	start := time.Now()
	if err := each(ctx, b.sets, func(ctx context.Context, i int) error { return s.listenerSet(ctx, namespaces[i/setsPerNamespace], i) }); err != nil {
		return nil, err
	}
	created := time.Since(start)
	last := b.sets - 1
	if err := s.waitServes(ctx, setHost(last), setPath(routesPerSet-1)); err != nil {
		return nil, err
	}
	served := time.Since(start) - created
	m, err := s.meter(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.run(ctx, 30*time.Second); err != nil {
		return nil, err
	}
	figures := []figure{
		count("ListenerSets", b.sets), count("routes", b.sets*routesPerSet),
		seconds("creating them", created), seconds("served after the last", served),
		mebibytes("operator: RSS", m.operator.rss).atMost(512).beside("944 MiB *", "1331 MiB *"),
		mebibytes("operator: anonymous memory", m.operator.anonymous),
		mebibytes("proxy: RSS", m.proxy.rss).atMost(128).beside("140 MiB *", "2171 MiB *"),
		mebibytes("proxy: anonymous memory", m.proxy.anonymous),
		cores("operator: CPU, idle", m.operatorCPU, m.elapsed).beside("0.132 *", "0.373 *"),
		cores("proxy: CPU, idle", m.proxyCPU, m.elapsed).beside("0.0016 *", "0.0765 *"),
	}
	return figures, nil
}

func setName(i int) string     { return fmt.Sprintf("set-%05d", i) }
func setHost(i int) string     { return fmt.Sprintf("set-%05d.example.com", i) }
func setPath(route int) string { return fmt.Sprintf("/route-%d", route) }

// listenerSet makes one with its routes.
func (s *space) listenerSet(ctx context.Context, namespace string, i int) error {
	set := &gatewayv1.ListenerSet{}
	set.Namespace, set.Name = namespace, setName(i)
	set.Spec.ParentRef = gatewayv1.ParentGatewayReference{Name: "web", Namespace: new(gatewayv1.Namespace(s.namespace))}
	set.Spec.Listeners = []gatewayv1.ListenerEntry{{
		Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType, Hostname: new(gatewayv1.Hostname(setHost(i))),
	}}
	if err := s.Cluster.Client.Create(ctx, set); err != nil {
		return err
	}
	for j := range routesPerSet {
		route := s.route(namespace, fmt.Sprintf("%s-%02d", setName(i), j), setHost(i), "echo", 8080)
		route.Spec.ParentRefs = []gatewayv1.ParentReference{{Kind: new(gatewayv1.Kind("ListenerSet")), Name: gatewayv1.ObjectName(set.Name)}}
		route.Spec.Rules = []gatewayv1.HTTPRouteRule{redirect(setPath(j))}
		if err := s.Cluster.Client.Create(ctx, route); err != nil {
			return err
		}
	}
	return nil
}

// redirect is a rule that needs no backend, and so no grant for one.
func redirect(path string) gatewayv1.HTTPRouteRule {
	r := rule(path, "", 0)
	r.BackendRefs = nil
	r.Filters = []gatewayv1.HTTPRouteFilter{{
		Type:            gatewayv1.HTTPRouteFilterRequestRedirect,
		RequestRedirect: &gatewayv1.HTTPRequestRedirectFilter{StatusCode: new(http.StatusFound), Hostname: new(gatewayv1.PreciseHostname("elsewhere.example.com"))},
	}}
	return r
}

// waitServes waits until every proxy redirects.
func (s *space) waitServes(ctx context.Context, host, path string) error {
	http1 := s.HTTPClient()
	return client.Poll(ctx, func(ctx context.Context) error {
		for _, pod := range s.pods {
			if status, _, err := get(ctx, http1, pod.Status.PodIP, host, path); err != nil || status != http.StatusFound {
				return fmt.Errorf("pod %s answers %d for %s%s: %w", pod.Name, status, host, path, err)
			}
		}
		return nil
	})
}
