package controller

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/internal/selfsigned"
)

// scenarios are what happens to a tenant with a Gateway that serves two routes.
var scenarios = map[string]func(*world){
	"a second Gateway is created": func(w *world) {
		w.must(w.client.Create(w.t.Context(), gateway("second")))
		w.must(w.client.Create(w.t.Context(), route("third", "second")))
	},
	"one route changes and one goes": func(w *world) {
		web := get(w, "web", &gatewayv1.HTTPRoute{})
		web.Generation++
		web.Spec.Hostnames = []gatewayv1.Hostname{"www.example.com"}
		w.must(w.client.Update(w.t.Context(), web))
		w.must(w.client.Delete(w.t.Context(), get(w, "shop", &gatewayv1.HTTPRoute{})))
	},
	"a listener with a certificate": func(w *world) {
		gw := get(w, "gw", &gatewayv1.Gateway{})
		gw.Generation++
		gw.Spec.Listeners = append(gw.Spec.Listeners, gatewayv1.Listener{
			Name: "https", Port: 443, Protocol: gatewayv1.HTTPSProtocolType,
			TLS: &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: "pair"}}},
		})
		w.must(w.client.Update(w.t.Context(), gw))
	},
	"the Deployment becomes a DaemonSet": func(w *world) { w.kind(v1alpha1.WorkloadDaemonSet) },
	"the Gateway goes to another controller": func(w *world) {
		gw := get(w, "gw", &gatewayv1.Gateway{})
		gw.Generation++
		gw.Spec.GatewayClassName = "other"
		w.must(w.client.Update(w.t.Context(), gw))
	},
}

// The process is gone at any of its calls, and another one starts: what there is in the
// end is what there is without that. What the other one finds depends on how many
// writes were made before, and not on reads.
func TestWhereverTheProcessIsKilledTheEndIsTheSame(t *testing.T) {
	inOneGoroutine(t)
	pair := keyPair(t, "pair")
	for name, happen := range scenarios {
		t.Run(name, func(t *testing.T) {
			undisturbed := settled(t, pair)
			happen(undisturbed)
			writes := 0
			undisturbed.process = func(write bool, call func() error) error {
				if write {
					writes++
				}
				return call()
			}
			undisturbed.settle()
			undisturbed.process = nil
			want := undisturbed.everything()
			if writes < 3 {
				t.Fatalf("the scenario takes %d writes alone", writes)
			}
			for k := range writes {
				w := settled(t, pair)
				happen(w)
				w.killAfter(k)
				w.settle()
				if diff := cmp.Diff(want, w.everything()); diff != "" {
					t.Fatalf("killed after %d of %d writes:\n%s", k, writes, diff)
				}
			}
		})
	}
}

// settled is a tenant with a Gateway that serves.
func settled(t *testing.T, pair *corev1.Secret) *world {
	t.Helper()
	w := newWorld(t, gateway("gw"), route("web", "gw"), route("shop", "gw"), pair.DeepCopy())
	w.settle()
	return w
}

// keyPair is one that signs itself.
func keyPair(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	certificate, private := selfsigned.Pair(t, &x509.Certificate{DNSNames: []string{"example.com"}, NotAfter: time.Now().Add(time.Hour)})
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey:       certificate,
			corev1.TLSPrivateKeyKey: private,
		},
	}
}

// settle has the controllers look at everything until there is nothing to do.
func (w *world) settle() {
	w.t.Helper()
	for idle, round := 0, 0; idle < 2; round++ {
		if round == 30 {
			w.t.Fatal("it does not come to an end")
		}
		w.take()
		w.round()
		w.makeReady()
		if len(w.take()) == 0 {
			idle++
		} else {
			idle = 0
		}
		w.now = w.now.Add(30 * time.Second)
	}
}

// round looks at everything once, as a process does that tries again whatever fails.
func (w *world) round() {
	ctx := w.t.Context()
	for _, name := range []string{"fleetgate", "other"} {
		_, _ = w.classes.Reconcile(ctx, request("", name))
	}
	for _, name := range []string{"gw", "second"} {
		_, _ = w.gateways.Reconcile(ctx, request("tenant", name))
	}
	_, _ = w.sets.Reconcile(ctx, request("tenant", "set"))
	for _, name := range []string{"own", "class"} {
		_, _ = w.parameters.Reconcile(ctx, request("tenant", name))
	}
	for _, of := range w.routes {
		for _, key := range slices.Collect(maps.Keys(of.proposed)) {
			_, _ = of.Reconcile(ctx, reconcile.Request{NamespacedName: key})
		}
	}
	for _, of := range w.policies {
		for _, key := range slices.Collect(maps.Keys(of.proposed)) {
			_, _ = of.Reconcile(ctx, reconcile.Request{NamespacedName: key})
		}
	}
}

// makeReady has the pods become ready, whatever the process does.
func (w *world) makeReady() {
	w.t.Helper()
	process := w.process
	defer func() { w.process = process }()
	w.process = nil
	for _, gateway := range []string{"gw", "second"} {
		name := fleet(gateway).Name()
		if w.exists(name, &appsv1.Deployment{}) {
			serve(w, name, &appsv1.Deployment{})
		}
		if w.exists(name, &appsv1.DaemonSet{}) {
			serve(w, name, &appsv1.DaemonSet{})
		}
	}
}

var errGone = errors.New("the process is gone")

// killAfter ends the process when it has made so many writes, and starts another one.
func (w *world) killAfter(writes int) {
	gone := false
	w.process = func(write bool, call func() error) error {
		if write {
			gone = gone || writes == 0
			writes--
		}
		if gone {
			return errGone
		}
		return call()
	}
	for round := 0; !gone; round++ {
		if round == 30 {
			w.t.Fatal("it does not write as often as it did")
		}
		w.round()
		w.makeReady()
		w.now = w.now.Add(30 * time.Second)
	}
	w.process = nil
	w.boot()
}

// everything is what there is, without what differs from one undisturbed run to the
// next: versions, times, and secrets that are drawn by lot.
func (w *world) everything() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	for _, list := range []client.ObjectList{
		&gatewayv1.GatewayClassList{}, &gatewayv1.GatewayList{}, &gatewayv1.HTTPRouteList{},
		&corev1.ConfigMapList{}, &corev1.SecretList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{},
		&rbacv1.RoleList{}, &rbacv1.RoleBindingList{}, &networkingv1.NetworkPolicyList{}, &policyv1.PodDisruptionBudgetList{},
		&appsv1.DeploymentList{}, &appsv1.DaemonSetList{},
	} {
		w.must(w.client.List(w.t.Context(), list))
		objects, err := meta.ExtractList(list)
		w.must(err)
		for _, object := range objects {
			o := object.(client.Object)
			all[fmt.Sprintf("%T %s", o, o.GetName())] = w.essence(o)
		}
	}
	return all
}

func (w *world) essence(o client.Object) string {
	w.t.Helper()
	if secret, is := o.(*corev1.Secret); is {
		return strings.Join(slices.Sorted(maps.Keys(secret.Data)), " ")
	}
	if document, is := o.(*corev1.ConfigMap); is && document.Data[proxyconfig.ConfigKey] != "" {
		_, config, _, err := proxyconfig.Decode([]byte(document.Data[proxyconfig.ConfigKey]))
		w.must(err)
		text, err := json.Marshal(config)
		w.must(err)
		return string(text)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	w.must(err)
	for _, name := range []string{"resourceVersion", "uid", "managedFields", "creationTimestamp"} {
		delete(fields["metadata"].(map[string]any), name)
	}
	forgetTimes(fields)
	text, err := json.MarshalIndent(fields, "", " ")
	w.must(err)
	return string(text)
}

func forgetTimes(value any) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range []string{"lastTransitionTime", "fleetgate.io/turn", "fleetgate.io/applied-hash"} {
			delete(value, name)
		}
		for _, field := range value {
			forgetTimes(field)
		}
	case []any:
		for _, item := range value {
			forgetTimes(item)
		}
	}
}
