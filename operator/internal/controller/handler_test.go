package controller

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// queueOf is the queue that a controller with so many workers has.
func queueOf(t *testing.T, workers int) requestQueue {
	t.Helper()
	opts := options(reconcile.Func(nil), workers)
	q := opts.NewQueue("test", opts.RateLimiter)
	t.Cleanup(q.ShutDown)
	return q
}

// next are the requests that are handed out next, without an end of any.
func next(q requestQueue, n int) []string {
	got := make([]string, n)
	for i := range got {
		request, _ := q.Get()
		got[i] = request.String()
	}
	return got
}

// thousand leads to a thousand Gateways, one of each namespace.
func thousand(context.Context, client.Object) []types.NamespacedName {
	keys := make([]types.NamespacedName, 1000)
	for i := range keys {
		keys[i] = types.NamespacedName{Namespace: fmt.Sprintf("tenant-%d", i), Name: "web"}
	}
	return keys
}

// ofItself leads to the Gateway of an object's namespace.
func ofItself(_ context.Context, obj client.Object) []types.NamespacedName {
	return []types.NamespacedName{{Namespace: obj.GetNamespace(), Name: "web"}}
}

// nobody comes up.
var nobody = births{unserved: func(context.Context, types.NamespacedName) bool { return false }}

// What is done to all Gateways, and what a process finds at its start, waits for what
// somebody does to one.
func TestOneGatewaysChangeDoesNotWaitForThoseOfAll(t *testing.T) {
	change := event.UpdateEvent{ObjectOld: route("web"), ObjectNew: route("web")}
	change.ObjectOld.SetNamespace("tenant-777")
	change.ObjectNew.SetNamespace("tenant-777")
	change.ObjectNew.SetResourceVersion("2")
	for name, before := range map[string]func(requestQueue){
		"a class": func(q requestQueue) {
			changed := class("fleetgate", controllerName)
			changed.ResourceVersion = "2"
			watch{gateways: thousand}.handler(nobody).Update(t.Context(), event.UpdateEvent{ObjectOld: &gatewayv1.GatewayClass{}, ObjectNew: changed}, q)
		},
		"a start": func(q requestQueue) {
			for _, key := range thousand(t.Context(), nil) {
				gw := gateway(key.Name)
				gw.Namespace = key.Namespace
				watch{gateways: ofItself}.handler(nobody).Create(t.Context(), event.CreateEvent{Object: gw, IsInInitialList: true}, q)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			q := queueOf(t, gatewayWorkers)
			before(q)
			watch{gateways: ofItself}.handler(nobody).Update(t.Context(), change, q)
			if diff := cmp.Diff([]string{"tenant-777/web"}, next(q, 1)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if q.Len() != 999 {
				t.Errorf("%d wait", q.Len())
			}
		})
	}
}

// A thousand Gateways that come up, of which each takes its time, leave workers to those
// that serve.
func TestGatewaysThatComeUpDelayNoneThatServes(t *testing.T) {
	w := newWorld(t, gateway("gw"), gateway("new"))
	w.play()
	w.boot()
	w.settle()
	w.runPods("gw")
	w.waitServes("gw")
	q := queueOf(t, gatewayWorkers)
	add := func(namespace, name string) {
		to := func(context.Context, client.Object) []types.NamespacedName {
			return []types.NamespacedName{request(namespace, name).NamespacedName}
		}
		b := births{surge: w.gateways.births.surge, unserved: func(ctx context.Context, key types.NamespacedName) bool {
			return w.gateways.unserved(ctx, request("tenant", key.Name).NamespacedName)
		}}
		watch{gateways: to}.handler(b).Create(t.Context(), event.CreateEvent{Object: route("web")}, q)
	}
	for i := range 1000 {
		add(fmt.Sprintf("tenant-%d", i), "new")
	}
	next(q, gatewayWorkers-gatewayWorkers/5)
	if q.Len() != 0 {
		t.Error("those that come up get all workers")
	}
	add("shop", "gw")
	add("mail", "gone")
	if diff := cmp.Diff([]string{"shop/gw", "mail/gone"}, next(q, 2)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Statuses of thousands of routes of one tenant are written as those of others allow.
func TestManyRoutesOfOneDelayNoStatusOfOthers(t *testing.T) {
	w := newWorld(t)
	routes := w.routes["HTTPRoute"]
	q := queueOf(t, routeWorkers)
	w.must(routes.bell.source().Start(t.Context(), q))
	speaks := speaker{gateway: request("crowd", "web").NamespacedName}
	propose := func(namespace, name string) {
		routes.propose(&gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}, speaks, nil, true)
	}
	for i := range 5000 {
		propose("crowd", fmt.Sprintf("r%04d", i))
	}
	propose("shop", "first")
	propose("mail", "first")
	propose("shop", "second")
	want := []string{"crowd/r0000", "shop/first", "mail/first", "crowd/r0001", "shop/second", "crowd/r0002", "crowd/r0003"}
	if diff := cmp.Diff(want, next(q, len(want))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The crowd has half of the workers. The others are not for it, even if they have
	// nothing to do.
	if q.Len() != 0 {
		t.Errorf("%d more of the crowd may be written", q.Len())
	}
	propose("mail", "second")
	if diff := cmp.Diff([]string{"mail/second"}, next(q, 1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
