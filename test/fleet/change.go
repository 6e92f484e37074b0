package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

// markHeader is the field of answers by which a version of a route is told.
const markHeader = "X-Mark"

// changePause leaves the machine idle between two changes that are timed.
const changePause = 100 * time.Millisecond

// durations are sorted.
type durations []time.Duration

// quantile returns the least duration that a part q of all do not exceed.
func (d durations) quantile(q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return d[max(0, int(math.Ceil(q*float64(len(d))))-1)]
}

// changed are some changes of routes, one after the other.
type changed struct {
	// took are the times from the API server's answer to the first proxy's answer that is
	// marked so, and writes those from the request to that answer.
	took, writes durations
	// slowest is the one that took longest, of which begun was over when the operator
	// began to store it, and stored when the API server told a watch of that.
	slowest, begun, stored time.Duration
}

// changes changes n routes of the Gateways with real proxies.
func (b *bench) changes(ctx context.Context, series string, n int) (c changed, err error) {
	for i := range n {
		namespace := tenantName(i % b.opts.real)
		answered, err := b.change(ctx, namespace, i%b.opts.routes, series+"-"+strconv.Itoa(i), &c)
		if err != nil {
			return c, err
		}
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-time.After(changePause):
		}
		if took := c.took[i]; took > c.slowest {
			stored := b.configs.last(types.NamespacedName{Namespace: namespace, Name: gatewayName + "-" + classReal + "-config"})
			c.slowest, c.begun, c.stored = took, stored.begun.Sub(answered), stored.at.Sub(answered)
		}
	}
	slices.Sort(c.took)
	slices.Sort(c.writes)
	return c, nil
}

// change adds a change to those before, and returns when the API server had answered.
func (b *bench) change(ctx context.Context, namespace string, i int, mark string, to *changed) (answered time.Time, err error) {
	address, err := b.proxyOf(ctx, namespace)
	if err != nil {
		return answered, err
	}
	asked := time.Now()
	if err := b.mark(ctx, namespace, i, mark); err != nil {
		return answered, err
	}
	answered = time.Now()
	for {
		got, err := b.ask(ctx, address, i)
		if err != nil {
			return answered, err
		}
		if got == mark {
			to.took, to.writes = append(to.took, time.Since(answered)), append(to.writes, answered.Sub(asked))
			return answered, nil
		}
		// Asking without a pause would take the CPU from what is measured.
		time.Sleep(time.Millisecond)
	}
}

// mark changes what the route's answers are marked with.
func (b *bench) mark(ctx context.Context, namespace string, i int, mark string) error {
	object := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "route-" + strconv.Itoa(i)}}
	patch := `[{"op":"replace","path":"/spec/rules/0/filters/0/responseHeaderModifier/set/0/value","value":"` + mark + `"}]`
	return b.Client.Patch(ctx, object, ctrlclient.RawPatch(types.JSONPatchType, []byte(patch)))
}

// proxyOf returns the address of the first real proxy of a tenant.
func (b *bench) proxyOf(ctx context.Context, namespace string) (string, error) {
	if known := b.addresses[namespace]; known != "" {
		return known, nil
	}
	g := tenant.Gateway{Cluster: b.Cluster, Name: types.NamespacedName{Namespace: namespace, Name: gatewayName}}
	pods, err := g.Pods(ctx)
	if err != nil {
		return "", err
	}
	if len(pods) == 0 {
		return "", fmt.Errorf("the Gateway of %s has no proxy", namespace)
	}
	b.addresses[namespace] = pods[0].Status.PodIP
	return pods[0].Status.PodIP, nil
}

// ask returns the mark of the answer to the i-th route.
func (b *bench) ask(ctx context.Context, address string, i int) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(address, "80")+"/"+strconv.Itoa(i), nil)
	if err != nil {
		return "", err
	}
	request.Host = "shop.example.com"
	response, err := b.http.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers route %d with %s", address, i, response.Status)
	}
	return response.Header.Get(markHeader), nil
}

// verify checks that every real proxy serves every route, and that every route
// is accepted.
func (b *bench) verify(ctx context.Context) error {
	for i := range b.opts.real {
		address, err := b.proxyOf(ctx, tenantName(i))
		if err != nil {
			return err
		}
		for j := range b.opts.routes {
			if _, err := b.ask(ctx, address, j); err != nil {
				return err
			}
		}
	}
	var routes gatewayv1.HTTPRouteList
	if err := b.Client.List(ctx, &routes); err != nil {
		return err
	}
	if want := b.opts.gateways * b.opts.routes; len(routes.Items) != want {
		return fmt.Errorf("there are %d routes, want %d", len(routes.Items), want)
	}
	for i := range routes.Items {
		if !accepted(&routes.Items[i]) {
			return errors.New("route " + routes.Items[i].Namespace + "/" + routes.Items[i].Name + " is not accepted")
		}
	}
	return nil
}

func accepted(route *gatewayv1.HTTPRoute) bool {
	return slices.ContainsFunc(route.Status.Parents, func(parent gatewayv1.RouteParentStatus) bool {
		return slices.ContainsFunc(parent.Conditions, func(c metav1.Condition) bool {
			return c.Type == string(gatewayv1.RouteConditionAccepted) && c.Status == metav1.ConditionTrue && c.ObservedGeneration == route.Generation
		})
	})
}
