package controller

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// Whoever has his Gateway translated anew again and again has it done at once at first, and
// then in a twentieth of the time.
func TestAGatewayThatIsTranslatedAnewAgainAndAgainRests(t *testing.T) {
	const took = 100 * time.Millisecond
	r, gateway, now := newRests(), types.NamespacedName{Name: "gw"}, time.Unix(0, 0)
	look := func() {
		now = now.Add(took)
		r.note(gateway, took, now)
	}
	free := 0
	for ; r.left(gateway, now) <= 0; free++ {
		look()
	}
	if most := int(restFree/took) + 1; free > most || free < most-1 {
		t.Errorf("%d looks come without a rest", free)
	}
	looks, began := 0, now
	for now.Sub(began) < time.Minute {
		now = now.Add(max(0, r.left(gateway, now)))
		look()
		looks++
	}
	if share := float64(time.Duration(looks)*took) / float64(now.Sub(began)); share < 0.04 || share > 0.055 {
		t.Errorf("looks take %.2f of the time", share)
	}
	r.note(gateway, time.Hour, now)
	if left := r.left(gateway, now); left > longestRest {
		t.Errorf("after the longest look it rests for %s", left)
	}
	r.forget(gateway)
	if left := r.left(gateway, now); left > 0 {
		t.Errorf("forgotten, it rests for %s", left)
	}
}

// A Gateway comes to rest by what has all of it read anew, and by a search for what panics,
// but not by a changed route; and afterwards it is brought up to date.
func TestWhatAGatewayRestsFor(t *testing.T) {
	const slow = 700 * time.Millisecond
	tests := []struct {
		what   string
		routes int
		change func(w *world)
		breaks bool
		// rests is for how long at most.
		rests time.Duration
	}{
		{"a route", fewRoutes, func(w *world) { w.revise(route("r7", "gw")) }, false, 0},
		{"a route that panics", fewRoutes, func(w *world) { w.revise(route("r7", "gw")) }, true, longestRest},
		{"one of few that panics", 10, func(w *world) { w.revise(route("r7", "gw")) }, true, longestRest},
		{"a policy", fewRoutes, func(w *world) { w.must(w.client.Create(w.t.Context(), trafficPolicy("p"))) }, false, restShare * (slow - restFree)},
		{"a policy of few", 10, func(w *world) { w.must(w.client.Create(w.t.Context(), trafficPolicy("p"))) }, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			objects := []client.Object{gateway("gw"), web()}
			for i := range tt.routes {
				objects = append(objects, route(fmt.Sprintf("r%d", i), "gw"))
			}
			w := newWorld(t, objects...)
			w.look("gw")
			w.look("gw")
			w.now = w.now.Add(20 * time.Second)
			broken := filtered("r7")
			w.gateways.opts.Translate = func(known *graph.Memory, in *store.Resources, opts graph.Options) *graph.Graph {
				w.now = w.now.Add(slow)
				for _, route := range in.Routes() {
					if tt.breaks && broken(route) {
						panic("a bug")
					}
				}
				return known.Build(in, opts)
			}
			tt.change(w)
			w.look("gw")
			w.revise(route("r8", "gw"))
			w.take()
			result := w.look("gw")
			if rested := w.take() == nil; rested != (tt.rests > 0) {
				t.Fatalf("rested: %v", rested)
			}
			if tt.rests == 0 {
				return
			}
			if result.RequeueAfter <= 0 || result.RequeueAfter > tt.rests {
				t.Errorf("it rests for %s", result.RequeueAfter)
			}
			w.now = w.now.Add(result.RequeueAfter)
			w.look("gw")
			r8 := get(w, "r8", &gatewayv1.HTTPRoute{})
			if got := r8.Status.Parents[0].Conditions[0].ObservedGeneration; got != r8.Generation {
				t.Errorf("rested, what is said of r8 is of generation %d, want %d", got, r8.Generation)
			}
		})
	}
}
