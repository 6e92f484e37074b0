package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestKeepOf(t *testing.T) {
	metal, cloud := "metal", "cloud"
	const balancer = corev1.ServiceTypeLoadBalancer
	tests := []struct {
		name               string
		live, wanted, want corev1.ServiceSpec
	}{
		{"a class cannot be changed", corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &metal},
			corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &cloud}, corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &metal}},
		{"nor set later", corev1.ServiceSpec{Type: balancer},
			corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &cloud}, corev1.ServiceSpec{Type: balancer}},
		{"nor removed", corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &metal},
			corev1.ServiceSpec{Type: balancer}, corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &metal}},
		{"but set with the type", corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP},
			corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &cloud}, corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &cloud}},
		{"and removed with it", corev1.ServiceSpec{Type: balancer, LoadBalancerClass: &metal},
			corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort}, corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort}},
		{"the first family stays", corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv4"}},
			corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv6", "IPv4"}}, corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv4", "IPv6"}}},
		{"alone too", corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv6", "IPv4"}},
			corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv4"}}, corev1.ServiceSpec{IPFamilies: []corev1.IPFamily{"IPv6"}}},
		{"the address stays", corev1.ServiceSpec{ClusterIP: "10.0.0.1"},
			corev1.ServiceSpec{ClusterIP: "10.0.0.2"}, corev1.ServiceSpec{ClusterIP: "10.0.0.1"}},
		{"and is not asked for", corev1.ServiceSpec{ClusterIP: "10.0.0.1"}, corev1.ServiceSpec{}, corev1.ServiceSpec{}},
	}
	for _, tt := range tests {
		keepOf(&tt.live, &tt.wanted)
		if diff := cmp.Diff(tt.want, tt.wanted); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}
