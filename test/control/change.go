package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
)

func changeSection() section {
	return section{
		name: "change", title: "Route changes under load",
		about: `Under load of eight clients without pauses, a route is changed again and again: the port of its backend back and forth, and the
value that a filter sets in answers. A request fails when its answer is an error, is cut, or does not come, and also when it
has neither of the values.`,
		flags:   func(o options) string { return fmt.Sprintf(" -changes %d -pause %s", o.changes, o.pause) },
		limit:   func(o options) time.Duration { return 3*time.Minute + time.Duration(o.changes)*(o.pause+time.Second) },
		measure: measureChange,
	}
}

// states are what the route is changed between: the port and the value.
var states = [2]struct {
	port int
	mark string
}{{8080, "first"}, {8081, "second"}}

func measureChange(ctx context.Context, b *bench) ([]figure, error) {
	s, err := b.space(ctx, "change")
	if err != nil {
		return nil, err
	}
	defer s.leave(ctx)
	const host = "change.example.com"
	route := s.route(s.namespace, "change", host, "echo", 8080)
	route.Spec.Rules[0].Filters = []gatewayv1.HTTPRouteFilter{{
		Type:                   gatewayv1.HTTPRouteFilterResponseHeaderModifier,
		ResponseHeaderModifier: &gatewayv1.HTTPHeaderFilter{Set: []gatewayv1.HTTPHeader{{Name: "X-Mark", Value: states[0].mark}}},
	}}
	if err := s.Cluster.Client.Create(ctx, route); err != nil {
		return nil, err
	}
	if err := s.waitAnswers(ctx, host); err != nil {
		return nil, err
	}
	run := load.Start(ctx, load.Options{
		Client: s.HTTPClient(), URL: "http://" + s.address + "/", Host: host, Max: 20_000_000,
		Classify: func(resp *http.Response, _ []byte) string { return resp.Header.Get("X-Mark") },
	})
	err = s.toggle(ctx, route)
	result := run.Stop()
	if err != nil {
		return nil, err
	}
	fmt.Println("  ", result)
	odd := int64(0)
	for class, n := range result.Classes {
		if class != states[0].mark && class != states[1].mark {
			odd += n
		}
	}
	return []figure{
		count("changes", b.changes),
		count("requests", int(result.Requests)),
		count("of them failed", int(result.Failed+odd)).atMost(0).beside("0", "0", "some: 503, 500", "some: 500"),
		count("answers with the first state", int(result.Classes[states[0].mark])),
		count("answers with the second state", int(result.Classes[states[1].mark])),
	}, nil
}

// toggle changes the route, first to the second state.
func (s *space) toggle(ctx context.Context, route *gatewayv1.HTTPRoute) error {
	tick := time.NewTicker(s.pause)
	defer tick.Stop()
	for i := range s.changes {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		to := states[(i+1)%2]
		patch := fmt.Appendf(nil, `[{"op":"replace","path":"/spec/rules/0/backendRefs/0/port","value":%d},`+
			`{"op":"replace","path":"/spec/rules/0/filters/0/responseHeaderModifier/set/0/value","value":%q}]`, to.port, to.mark)
		if err := s.Cluster.Client.Patch(ctx, route, ctrlclient.RawPatch(types.JSONPatchType, patch)); err != nil {
			return err
		}
	}
	return nil
}

// waitAnswers waits until every proxy answers for the host.
func (s *space) waitAnswers(ctx context.Context, host string) error {
	http1 := s.HTTPClient()
	return client.Poll(ctx, func(ctx context.Context) error {
		for _, pod := range s.pods {
			if status, _, err := get(ctx, http1, pod.Status.PodIP, host, "/"); err != nil || status != http.StatusOK {
				return fmt.Errorf("pod %s answers %d for %s: %w", pod.Name, status, host, err)
			}
		}
		return nil
	})
}
