package graph

import (
	"net/netip"
	"slices"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
)

func TestForbiddenBackends(t *testing.T) {
	listed := map[netip.AddrPort]string{netip.MustParseAddrPort("10.1.0.1:6443"): "the API server"}
	strict := ForbiddenBackends{Listed: listed}
	local := ForbiddenBackends{AllowLoopback: true, Listed: listed}
	for _, test := range []struct {
		address              string
		strictOnly, forEvery bool
	}{
		{"10.0.0.1:80", false, false},
		{"[2001:db8::1]:80", false, false},
		{"10.1.0.1:80", false, false},
		{"10.1.0.1:6443", false, true},
		{"[::ffff:10.1.0.1]:6443", false, true},
		{"127.0.0.1:80", true, false},
		{"127.9.9.9:80", true, false},
		{"[::1]:80", true, false},
		{"169.254.169.254:80", false, true},
		{"[fe80::1]:80", false, true},
		{"[fd00:ec2::254]:80", false, true},
		{"224.0.0.1:80", false, true},
		{"0.0.0.0:80", false, true},
		{"[::]:80", false, true},
		{"255.255.255.255:80", false, true},
		{"[64:ff9b::10.0.0.1]:80", false, false},
		{"[64:ff9b::127.0.0.1]:80", true, false},
		{"[64:ff9b::169.254.169.254]:80", false, true},
		{"[64:ff9b::10.1.0.1]:6443", false, true},
		{"[64:ff9b::10.1.0.1]:80", false, false},
		{"[64:ff9b:1::10.0.0.1]:80", false, false},
		{"[64:ff9b:1::169.254.169.254]:80", false, true},
		{"[64:ff9b:1:a9fe:a9:fe00::]:80", false, true},
		{"[2002:a9fe:a9fe::1]:80", false, true},
		{"[2002:a00:1::1]:80", false, false},
	} {
		address := netip.MustParseAddrPort(test.address)
		if got, want := strict.Why(address) != "", test.strictOnly || test.forEvery; got != want {
			t.Errorf("%s is forbidden: %t, want %t", address, got, want)
		}
		if got := local.Why(address) != ""; got != test.forEvery {
			t.Errorf("%s is forbidden with AllowLoopback: %t, want %t", address, got, test.forEvery)
		}
	}
}

func TestAPIServersAndNodesAreForbidden(t *testing.T) {
	own := ForbiddenBackends{
		Listed: map[netip.AddrPort]string{netip.MustParseAddrPort("10.96.0.1:443"): "the API server's"},
		Nodes:  []netip.Addr{netip.MustParseAddr("10.0.0.7")},
	}
	port := int32(6443)
	all := own.with(&discoveryv1.EndpointSlice{
		Ports:     []discoveryv1.EndpointPort{{Port: &port}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1", "not one"}}, {Addresses: []string{"fd00::1"}}},
	})
	for address, want := range map[string][2]bool{
		"10.96.0.1:443":   {true, true},
		"10.0.0.1:6443":   {false, true},
		"[fd00::1]:6443":  {false, true},
		"10.0.0.1:10250":  {false, true},
		"[fd00::1]:10255": {false, true},
		"10.0.0.7:10250":  {true, true},
		"10.0.0.7:10256":  {true, true},
		"10.0.0.7:6443":   {false, false},
		"10.0.0.1:80":     {false, false},
		"10.0.0.9:10250":  {false, false},
	} {
		at := netip.MustParseAddrPort(address)
		if got := [2]bool{own.Why(at) != "", all.Why(at) != ""}; got != want {
			t.Errorf("%s is forbidden without and with the API servers' slice: %v, want %v", address, got, want)
		}
	}
	if got, want := all.at(10250), []string{"10.0.0.1:10250", "10.0.0.7:10250", "[fd00::1]:10250"}; !slices.Equal(got, want) {
		t.Errorf("names may not lead to %v, want %v", got, want)
	}
}
