package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/variant"
)

const panickingName = "panicking"

// panics is what others feel of a tenant with a route that makes the translation panic.
type panics struct {
	// few is of one that has as many routes as others, many of the crowded tenant, fresh of
	// that while the route is another one each time, and policy while it is a policy.
	few, many, fresh, policy fairness
	// panicked is how many times the operator has found a panic's cause, and restarts how
	// often its container has ended.
	panicked float64
	restarts int32
}

// panicking measures the changes of others while a route is changed that makes the
// translation panic, with an operator that has such a defect.
func (b *bench) panicking(ctx context.Context) (err error) {
	if !b.opts.panics {
		return nil
	}
	if err := b.useDefect(ctx); err != nil {
		return err
	}
	if err := b.neighbour(ctx, panickingName, b.opts.routes); err != nil {
		return err
	}
	r := &b.results.panics
	if r.few, err = b.besidePanics(ctx, panickingName); err != nil {
		return err
	}
	if b.opts.crowd > 0 {
		if r.many, err = b.besidePanics(ctx, crowdName); err != nil {
			return err
		}
		if r.fresh, err = b.beside(ctx, "fresh-panics", b.replaces(crowdName)); err != nil {
			return err
		}
		if r.policy, err = b.beside(ctx, "policy-panics", b.repolicies(crowdName, variant.PanicName)); err != nil {
			return err
		}
	}
	now, err := b.usage(ctx)
	if err != nil {
		return err
	}
	pod, err := b.OperatorPod(ctx)
	if err != nil {
		return err
	}
	r.panicked, r.restarts = now.panics, pod.Status.ContainerStatuses[0].RestartCount
	return nil
}

// useDefect gives the operator its defect, and waits until it is quiet.
func (b *bench) useDefect(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "fleetgate-panics-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	operator := variant.PanickingOperator
	if err := variant.Build(ctx, b.Root, dir, variant.Panics, operator); err != nil {
		return err
	}
	if err := variant.Load(ctx, b.Cluster, dir, operator); err != nil {
		return err
	}
	if err := b.UseOperator(ctx, operator.Image); err != nil {
		return err
	}
	_, err = b.quiet(ctx)
	return err
}

// besidePanics has the tenant's first route make the translation panic, and then
// measures.
func (b *bench) besidePanics(ctx context.Context, namespace string) (f fairness, err error) {
	const patch = `[{"op":"add","path":"/spec/rules/0/filters/0/responseHeaderModifier/set/1","value":{"name":"` + variant.PanicHeader + `","value":"yes"}}]`
	name := types.NamespacedName{Namespace: namespace, Name: "route-0"}
	object := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	if err := b.Client.Patch(ctx, object, ctrlclient.RawPatch(types.JSONPatchType, []byte(patch))); err != nil {
		return f, err
	}
	broken := func() error {
		return client.Poll(ctx, func(ctx context.Context) error { return b.toldBroken(ctx, name) })
	}
	if err := broken(); err != nil {
		return f, err
	}
	if _, err := b.quiet(ctx); err != nil {
		return f, err
	}
	if f, err = b.beside(ctx, namespace+"-panics", b.remarks(namespace, func(int) int { return 0 })); err != nil {
		return f, err
	}
	return f, broken()
}

// replaces removes a route that makes the translation panic, and makes another one.
func (b *bench) replaces(namespace string) restless {
	fresh := func(i int) *gatewayv1.HTTPRoute {
		r := route(namespace, i)
		r.Name = "panics-" + strconv.Itoa(i)
		headers := r.Spec.Rules[0].Filters[0].ResponseHeaderModifier
		headers.Set = append(headers.Set, gatewayv1.HTTPHeader{Name: variant.PanicHeader, Value: "yes"})
		return r
	}
	return func(ctx context.Context, i int) error {
		if err := ctrlclient.IgnoreNotFound(b.Client.Delete(ctx, fresh(i-1))); err != nil {
			return err
		}
		return b.create(ctx, fresh(i))
	}
}

// toldBroken returns an error unless the status of a route says, of its newest version,
// that the operator has a defect.
func (b *bench) toldBroken(ctx context.Context, name types.NamespacedName) error {
	route := &gatewayv1.HTTPRoute{}
	if err := b.Client.Get(ctx, name, route); err != nil {
		return err
	}
	for _, parent := range route.Status.Parents {
		for _, c := range parent.Conditions {
			if c.Type == string(gatewayv1.RouteConditionAccepted) && c.Reason == "InternalError" && c.ObservedGeneration == route.Generation {
				return nil
			}
		}
	}
	return fmt.Errorf("route %s is not said to be broken", name)
}
