package controller

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// neighbours adds tenants, each with a Gateway and a route to a Service of its own.
func (c *crowd) neighbours(n int) {
	for i := range n {
		namespace := fmt.Sprintf("neighbour-%04d", i)
		gw, r, service := gateway("web"), route("shop", "web"), web()
		gw.UID = ""
		gw.Namespace, r.Namespace, service.Namespace = namespace, namespace, namespace
		c.put(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
		c.put(service)
		c.put(gw)
		c.put(r)
	}
}

// What a change of one tenant reads, from the event to the statuses, does not depend on
// how many others there are.
func TestOneChangeCostsTheSameAmongManyTenants(t *testing.T) {
	measure := func(others int) int {
		c := newCrowd(t, 10)
		c.neighbours(others)
		for range 3 {
			c.look(t)
			c.settle()
		}
		c.read = 0
		c.change(5, 1)
		c.look(t)
		return c.read
	}
	if few, many := measure(10), measure(1000); few != many {
		t.Errorf("among 10 tenants a change reads %d objects, among 1000 it reads %d", few, many)
	}
}
