package main

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
)

func service(name string, age time.Duration, change func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "tenant", Name: name, UID: types.UID(name),
			CreationTimestamp: metav1.NewTime(time.Unix(1_000_000, 0).Add(-age)),
		},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer},
	}
	if change != nil {
		change(s)
	}
	return s
}

func TestAssign(t *testing.T) {
	class := "another"
	objects := []runtime.Object{
		service("old", time.Hour, nil),
		service("young", 0, nil),
		service("choosy", 0, func(s *corev1.Service) { s.Spec.LoadBalancerIP = "192.0.2.1" }),
		service("internal", time.Hour, func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP }),
		service("foreign", time.Hour, func(s *corev1.Service) { s.Spec.LoadBalancerClass = &class }),
		service("served", time.Hour, func(s *corev1.Service) {
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.2"}}
		}),
	}
	want := map[string]string{
		"old": "192.0.2.3", "young": "192.0.2.4", "choosy": "192.0.2.1", "served": "192.0.2.2",
		"internal": "", "foreign": "",
	}
	client := fake.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	services := factory.Core().V1().Services()
	for _, o := range objects {
		if err := services.Informer().GetStore().Add(o); err != nil {
			t.Fatal(err)
		}
	}
	b := &balancer{client: client, services: services.Lister(), pool: newPool(netip.MustParsePrefix("192.0.2.0/28"))}
	if err := b.assign(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, address := range want {
		s, err := client.CoreV1().Services("tenant").Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(s.Status.LoadBalancer.Ingress) > 0 {
			got = s.Status.LoadBalancer.Ingress[0].IP
		}
		if got != address {
			t.Errorf("%s: got address %q, want %q", name, got, address)
		}
	}
}

func TestByNeedPutsChoosersFirst(t *testing.T) {
	all := []*corev1.Service{
		service("young", 0, nil),
		service("old", time.Hour, nil),
		service("choosy", 0, func(s *corev1.Service) { s.Spec.LoadBalancerIP = "192.0.2.1" }),
	}
	slices.SortFunc(all, byNeed)
	for i, want := range []string{"choosy", "old", "young"} {
		if all[i].Name != want {
			t.Errorf("place %d: got %s, want %s", i, all[i].Name, want)
		}
	}
}
