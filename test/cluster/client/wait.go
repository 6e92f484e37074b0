package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pollInterval is short, as tests measure with it, and costs the API server
// little.
const pollInterval = 25 * time.Millisecond

// Poll calls f until it returns nil or ctx ends; then the error is f's last,
// as the reason.
func Poll(ctx context.Context, f func(context.Context) error) error {
	var last error
	for {
		err := f(ctx)
		if err == nil {
			return nil
		}
		// An error that only says that the time is up hides the real reason.
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), last)
		case <-time.After(pollInterval):
		}
	}
}

// Wait reads the object, which must have its name set, again and again until
// ready returns nil for it; then the object holds that state. When ctx ends,
// the error says what ready said last.
func Wait[T client.Object](ctx context.Context, c *Cluster, object T, ready func(T) error) error {
	err := Poll(ctx, func(ctx context.Context) error {
		if err := c.Client.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		return ready(object)
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", describe(object), err)
	}
	return nil
}

// WaitGone waits until the object does not exist.
func (c *Cluster) WaitGone(ctx context.Context, object client.Object) error {
	key := client.ObjectKeyFromObject(object)
	err := Poll(ctx, func(ctx context.Context) error {
		err := c.Client.Get(ctx, key, object)
		switch {
		case isGone(err):
			return nil
		case err != nil:
			return err
		}
		return errors.New("it still exists")
	})
	if err != nil {
		return fmt.Errorf("waiting for the end of %s: %w", describe(object), err)
	}
	return nil
}

// WaitDeployment waits until the Deployment's newest version runs with all
// replicas, and no pod of an older one is left.
func (c *Cluster) WaitDeployment(ctx context.Context, namespace, name string) error {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	return Wait(ctx, c, d, RolledOut)
}

// RolledOut returns nil where the Deployment's newest version runs with all replicas, and
// no pod of an older one is left.
func RolledOut(d *appsv1.Deployment) error {
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	s := d.Status
	if s.ObservedGeneration < d.Generation || s.Replicas != want || s.UpdatedReplicas != want || s.AvailableReplicas != want {
		return fmt.Errorf("of %d replicas %d exist, %d are updated, %d available", want, s.Replicas, s.UpdatedReplicas, s.AvailableReplicas)
	}
	return nil
}

// WaitEndpoints waits until the EndpointSlices of a Service have at least n endpoints that
// are ready. Kubernetes may take its time with that though the pods run: after an outage of
// the API server, what writes them is not the first to look.
func (c *Cluster) WaitEndpoints(ctx context.Context, namespace, service string, n int) error {
	err := Poll(ctx, func(ctx context.Context) error {
		var slices discoveryv1.EndpointSliceList
		err := c.Client.List(ctx, &slices, client.InNamespace(namespace), client.MatchingLabels{discoveryv1.LabelServiceName: service})
		if err != nil {
			return err
		}
		if ready := readyEndpoints(slices.Items); ready < n {
			return fmt.Errorf("%d endpoints are ready, want %d", ready, n)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("waiting for the endpoints of Service %s/%s: %w", namespace, service, err)
	}
	return nil
}

func readyEndpoints(slices []discoveryv1.EndpointSlice) (n int) {
	for i := range slices {
		for _, endpoint := range slices[i].Endpoints {
			if ready := endpoint.Conditions.Ready; ready == nil || *ready {
				n += len(endpoint.Addresses)
			}
		}
	}
	return n
}

// HasCondition returns nil if the condition of the type has the status and was
// written for the given generation of its object or a later one.
func HasCondition(conditions []metav1.Condition, kind string, status metav1.ConditionStatus, generation int64) error {
	for _, c := range conditions {
		if c.Type != kind {
			continue
		}
		if c.Status == status && c.ObservedGeneration >= generation {
			return nil
		}
		return fmt.Errorf("condition %s is %s for generation %d (%s: %s), want %s for %d",
			kind, c.Status, c.ObservedGeneration, c.Reason, c.Message, status, generation)
	}
	return fmt.Errorf("there is no condition %s", kind)
}
