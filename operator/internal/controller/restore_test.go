package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// A cluster whose etcd is restored has all objects as they were then. The process makes of
// them what there was, deletes no Service and makes none anew, and the proxies, who have
// seen a later revision and take no older one, come along: with a process that goes on,
// and with one that starts and knows nothing of all that.
func TestARestoredEtcdLosesNothing(t *testing.T) {
	for name, restart := range map[string]bool{"the process goes on": false, "a process starts": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, gateway("gw"), route("web", "gw"), route("shop", "gw"), keyPair(t, "pair"))
			w.play()
			w.boot()
			w.settle()
			w.runPods("gw")
			w.waitServes("gw")
			w.settle()
			saved, want, service := w.save(), w.everything(), get(w, fleet("gw").Name(), &corev1.Service{}).UID
			scenarios["one route changes and one goes"](w)
			w.waitServes("gw")
			w.settle()
			if diff := cmp.Diff(want, w.everything()); diff == "" {
				t.Fatal("nothing has happened since")
			}
			seen, _ := w.document("gw")

			w.restore(saved)
			if restart {
				w.gateways.tracker.Stop()
				w.boot()
			}
			w.take()
			// The status that was saved says that all is well.
			w.round()
			w.hear("gw")
			w.waitServes("gw")
			// What was repaired is told of for a while.
			w.now = w.now.Add(repairShown)
			for _, write := range w.take() {
				if write == "delete "+fleet("gw").Name() || write == "create "+fleet("gw").Name() {
					t.Errorf("it writes %q", write)
				}
			}
			w.settle()
			if diff := cmp.Diff(want, w.everything()); diff != "" {
				t.Errorf("(-as it was saved +now):\n%s", diff)
			}
			if now := get(w, fleet("gw").Name(), &corev1.Service{}).UID; now != service {
				t.Errorf("the Service is %s, want %s still", now, service)
			}
			if now, _ := w.document("gw"); now.Revision <= seen.Revision {
				t.Errorf("the configuration has revision %d, and the proxies have seen %d", now.Revision, seen.Revision)
			}
		})
	}
}

// savedKinds are those that there are objects of.
func savedKinds() []client.ObjectList {
	return []client.ObjectList{
		&gatewayv1.GatewayList{}, &gatewayv1.HTTPRouteList{}, &corev1.ConfigMapList{}, &corev1.SecretList{}, &corev1.ServiceList{},
		&corev1.ServiceAccountList{}, &rbacv1.RoleList{}, &rbacv1.RoleBindingList{}, &policyv1.PodDisruptionBudgetList{}, &appsv1.DeploymentList{},
	}
}

// save returns a copy of everything that a tenant has.
func (w *world) save() (objects []client.Object) {
	w.t.Helper()
	for _, list := range savedKinds() {
		w.must(w.client.List(w.t.Context(), list, client.InNamespace("tenant")))
		w.must(meta.EachListItem(list, func(item runtime.Object) error {
			objects = append(objects, item.DeepCopyObject().(client.Object))
			return nil
		}))
	}
	return objects
}

// restore puts what was saved in the place of what there is.
func (w *world) restore(saved []client.Object) {
	w.t.Helper()
	for _, object := range w.save() {
		w.must(w.client.Delete(w.t.Context(), object))
	}
	for _, object := range saved {
		object.SetResourceVersion("")
		w.must(w.client.Create(w.t.Context(), object))
	}
}
