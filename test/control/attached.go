package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

func attachedSection() section {
	return section{
		name: "attached", title: "Attached routes",
		about: `Routes are created by four writers at once, then deleted. Behind is the time from the API server's answer to the last of
these writes to the watch event in which the Gateway's attachedRoutes has its final value. Writes are the resource
versions that a watch sees. Split means that the routes name this Gateway alone. Joined, they name another controller's
Gateway too, and that controller (played by the measuring program) has an entry of its own in each route's status.`,
		flags:   func(o options) string { return fmt.Sprintf(" -attached %d", o.attached) },
		limit:   func(o options) time.Duration { return 3*time.Minute + time.Duration(o.attached)*100*time.Millisecond },
		measure: measureAttached,
	}
}

func measureAttached(ctx context.Context, b *bench) ([]figure, error) {
	s, err := b.space(ctx, "attached")
	if err != nil {
		return nil, err
	}
	defer s.leave(ctx)
	var all []figure
	for _, joined := range []bool{false, true} {
		figures, err := measureAttachment(ctx, s, joined)
		if err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}

func measureAttachment(ctx context.Context, s *space, joined bool) ([]figure, error) {
	mode := "split"
	if joined {
		mode = "joined"
	}
	a := &attachment{space: s, joined: joined, writes: map[types.NamespacedName]int{}, foreign: map[types.NamespacedName]string{}}
	following, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	defer done.Wait()
	defer stop()
	if err := a.follow(following, &done); err != nil {
		return nil, err
	}
	operator, err := s.operator(ctx)
	if err != nil {
		return nil, err
	}
	before, err := operator.usage()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	up, err := a.run(ctx, a.options.attached, a.create)
	if err != nil {
		return nil, err
	}
	created := a.gatewayWrites.Load()
	down, err := a.run(ctx, 0, a.delete)
	if err != nil {
		return nil, err
	}
	elapsed := time.Since(start)
	after, err := operator.usage()
	if err != nil {
		return nil, err
	}
	a.settle(ctx)
	stop()
	done.Wait()
	figures := a.figures(mode, up, down, int(created))
	return append(figures, cores(mode+": operator's CPU meanwhile", after.cpu-before.cpu, elapsed).atMost(0.25).beside("0.313 *", "0.259 *", "3.51 *", "0.465 *")), nil
}

// attachment is what was seen of one run.
type attachment struct {
	*space
	joined bool
	// attached is what the Gateway's status says, and at when it came to say so.
	attached atomic.Int32
	at       atomic.Int64
	// there is how many routes may exist at most, and wrong how often the status
	// told of more.
	there, wrong, gatewayWrites atomic.Int32

	mu sync.Mutex
	// writes are those of each route beyond its creation, foreign is the other
	// controller's entry as it was last, and touched how often it was changed.
	writes  map[types.NamespacedName]int
	foreign map[types.NamespacedName]string
	touched int
}

const otherController = "example.com/other-controller"

func (a *attachment) follow(ctx context.Context, done *sync.WaitGroup) error {
	if err := a.bench.follow(ctx, done, &gatewayv1.GatewayList{}, a.namespace, a.seeGateway); err != nil {
		return err
	}
	return a.bench.follow(ctx, done, &gatewayv1.HTTPRouteList{}, a.namespace, a.seeRoute)
}

func (a *attachment) seeGateway(event watch.Event, at time.Time) {
	gateway, ok := event.Object.(*gatewayv1.Gateway)
	if !ok || event.Type != watch.Modified || len(gateway.Status.Listeners) == 0 {
		return
	}
	a.gatewayWrites.Add(1)
	n := gateway.Status.Listeners[0].AttachedRoutes
	if n > a.there.Load() {
		a.wrong.Add(1)
	}
	if a.attached.Swap(n) != n {
		a.at.Store(at.UnixNano())
	}
}

func (a *attachment) seeRoute(event watch.Event, _ time.Time) {
	route, ok := event.Object.(*gatewayv1.HTTPRoute)
	if !ok || event.Type != watch.Modified {
		return
	}
	key := types.NamespacedName{Namespace: route.Namespace, Name: route.Name}
	entry := ""
	for _, parent := range route.Status.Parents {
		if parent.ControllerName == otherController {
			entry += fmt.Sprint(parent.ParentRef.Name, parent.Conditions)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.writes[key]++
	if a.foreign[key] != entry {
		a.foreign[key] = entry
		a.touched++
	}
}

// run does something with each route, waits until the Gateway's status has the
// number that is to come of it, and returns how long that took after the last.
func (a *attachment) run(ctx context.Context, want int, do func(context.Context, int) error) (time.Duration, error) {
	if err := each(ctx, a.options.attached, do); err != nil {
		return 0, err
	}
	last := time.Now()
	err := client.Poll(ctx, func(context.Context) error {
		if got := a.attached.Load(); int(got) != want {
			return fmt.Errorf("attachedRoutes is %d, want %d", got, want)
		}
		return nil
	})
	return max(0, time.Unix(0, a.at.Load()).Sub(last)), err
}

func (a *attachment) create(ctx context.Context, i int) error {
	a.there.Add(1)
	route := a.route(a.namespace, fmt.Sprintf("route-%05d", i), fmt.Sprintf("host-%05d.example.com", i), "echo", 8080)
	if a.joined {
		other := a.parent()
		other.Name = "of-another-controller"
		route.Spec.ParentRefs = append(route.Spec.ParentRefs, other)
	}
	if err := a.Cluster.Client.Create(ctx, route); err != nil || !a.joined {
		return err
	}
	return a.speak(ctx, route)
}

// speak does what the other controller would.
func (a *attachment) speak(ctx context.Context, route *gatewayv1.HTTPRoute) error {
	entry := gatewayv1.RouteParentStatus{ParentRef: route.Spec.ParentRefs[1], ControllerName: otherController}
	entry.Conditions = append(entry.Conditions, accepted(route.Generation))
	return client.Poll(ctx, func(ctx context.Context) error {
		if err := a.Cluster.Client.Get(ctx, types.NamespacedName{Namespace: route.Namespace, Name: route.Name}, route); err != nil {
			return err
		}
		route.Status.Parents = append(route.Status.Parents, entry)
		return a.Cluster.Client.Status().Update(ctx, route)
	})
}

func (a *attachment) delete(ctx context.Context, i int) error {
	route := &gatewayv1.HTTPRoute{}
	route.Namespace, route.Name = a.namespace, fmt.Sprintf("route-%05d", i)
	return a.Cluster.Client.Delete(ctx, route)
}

// settle waits for what may come late: a second write of something that is
// right already would be one too many.
func (a *attachment) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_ = client.Poll(ctx, func(context.Context) error { return errors.New("there may be more") })
}

func (a *attachment) figures(mode string, up, down time.Duration, created int) []figure {
	sum, most, spoken := 0, 0, 0
	for _, n := range a.writes {
		sum, most = sum+n, max(most, n)
	}
	if a.joined {
		spoken = 1
	}
	n := a.options.attached
	figures := []figure{
		seconds(mode+": behind, created", up).atMost(1),
		seconds(mode+": behind, deleted", down).atMost(1),
		count(mode+": counts above what was there", int(a.wrong.Load())).atMost(0),
		count(mode+": writes of the Gateway's status, created", created).atMost(15),
		count(mode+": the same, deleted", int(a.gatewayWrites.Load())-created).atMost(15),
		count(mode+": writes of all routes' statuses", sum-n*spoken).atMost(float64(n)),
		count(mode+": of one route's at most", most-spoken).atMost(1),
	}
	if a.joined {
		figures = append(figures, count("joined: writes of the other controller's entries", a.touched-n).atMost(0))
		figures[0] = figures[0].beside("17 s", "2 s", "10 s", "17 s")
		figures[1] = figures[1].beside("28 s", "27 s", "45 s", "28 s")
		figures[3] = figures[3].beside("15", "73", "1484", "128")
		return figures
	}
	figures[0] = figures[0].beside("12 s", "2 s", "23 s", "29 s")
	figures[1] = figures[1].beside("16 s", "20 s", "45 s", "15 s")
	figures[3] = figures[3].beside("323", "311", "1383", "82")
	return figures
}
