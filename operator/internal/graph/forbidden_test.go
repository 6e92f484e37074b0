package graph

import (
	"net/netip"
	"testing"
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
		{"127.0.0.1:80", true, false},
		{"127.9.9.9:80", true, false},
		{"[::1]:80", true, false},
		{"169.254.169.254:80", false, true},
		{"[fe80::1]:80", false, true},
		{"[fd00:ec2::254]:80", false, true},
		{"224.0.0.1:80", false, true},
		{"0.0.0.0:80", false, true},
		{"[::]:80", false, true},
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
