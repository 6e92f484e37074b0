package controller

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/provision"
)

// newSteady is a crowd whose fleet is as it is to be.
func newSteady(t *testing.T) (*crowd, *steady) {
	c := settledCrowd(t, 3)
	c.startFleet(t)
	c.reconcile(t)
	before := c.steady()
	if before == nil {
		t.Fatal("a fleet that is as it is to be is not known to be")
	}
	return c, before
}

func (c *crowd) steady() *steady { return c.gateways.memories.kept[c.gateway].steady }

// What is kept of a thousand steady fleets is not what they consist of.
func TestASteadyFleetIsAnOutline(t *testing.T) {
	_, before := newSteady(t)
	if n := len(before.desired.Objects); n != 1 {
		t.Fatalf("%d objects are kept", n)
	}
	kept := before.desired.Objects[0].(*appsv1.Deployment)
	if *kept.Spec.Replicas != 2 || len(kept.Spec.Template.Spec.Containers) > 0 {
		t.Errorf("this is kept of the Deployment: %+v", kept)
	}
	set := outline(provision.Result{Objects: []client.Object{&corev1.Service{}, &appsv1.DaemonSet{}}}).Objects
	if len(set) != 1 {
		t.Fatalf("of a DaemonSet, %d objects are kept", len(set))
	}
	if _, is := set[0].(*appsv1.DaemonSet); !is {
		t.Errorf("of a DaemonSet, this is kept: %T", set[0])
	}
}

// Changes of routes and endpoints have nothing of the fleet made or compared again.
func TestRoutesLeaveTheFleetAlone(t *testing.T) {
	c, before := newSteady(t)
	for i, change := range []func(c *crowd, i, generation int){(*crowd).change, (*crowd).move} {
		change(c, i, 2)
		c.reconcile(t)
		c.settle()
		if c.steady() != before {
			t.Errorf("the fleet was looked at for change %d", i)
		}
	}
}

// What others do to a fleet's objects, and what comes to be wanted, has all of them made
// and compared again.
func TestASteadyFleetIsWatched(t *testing.T) {
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "gw-fleetgate"}}
	for name, happens := range map[string]func(*crowd){
		"an object is deleted": func(c *crowd) { c.remove(policy) },
		"an object is changed": func(c *crowd) {
			live, _, _ := c.of(policy).Get(policy)
			other := live.(*networkingv1.NetworkPolicy).DeepCopy()
			other.Generation++
			other.Spec.Ingress = nil
			c.put(other)
		},
		"the Gateway gets a port": func(c *crowd) {
			gw := openGateway()
			more := gw.Spec.Listeners[0]
			more.Name, more.Port = "more", 8888
			gw.Generation++
			gw.Spec.Listeners = append(slices.Clone(gw.Spec.Listeners), more)
			c.put(gw)
		},
		// By these a Prometheus selects, and Pod Security has its level.
		"the namespace gets a label": func(c *crowd) {
			c.put(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "tenant", Labels: map[string]string{"team": "a"}}})
		},
		"a class has other parameters": func(c *crowd) {
			of := class("fleetgate", controllerName)
			of.Spec.ParametersRef = &gatewayv1.ParametersReference{Group: "fleetgate.io", Kind: "GatewayParameters", Name: "more"}
			of.Generation++
			c.put(of)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, before := newSteady(t)
			happens(c)
			// What is then to be updated is not there in the way in which it is asked for.
			_, err := c.gateways.Reconcile(t.Context(), reconcile.Request{NamespacedName: c.gateway})
			if c.steady() == before {
				t.Errorf("the fleet was taken for what it was: %v", err)
			}
		})
	}
}
