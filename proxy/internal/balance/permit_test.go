package balance

import (
	"net/netip"
	"testing"
)

// An address is judged by what becomes of it on its way, too.
func TestPermitReadsEmbeddedAddresses(t *testing.T) {
	for _, test := range []struct {
		address string
		want    bool
	}{
		{"::ffff:169.254.169.254", false},
		{"::ffff:255.255.255.255", false},
		{"::ffff:10.0.0.1", true},
		{"64:ff9b::169.254.169.254", false},
		{"64:ff9b::127.0.0.1", false},
		{"64:ff9b::10.0.0.1", true},
		{"64:ff9b:0:0:0:1:a9fe:a9fe", true}, // beside the prefix
		{"64:ff9b:1::169.254.169.254", false},
		{"64:ff9b:1:5:6:7:169.254.169.254", false},
		{"64:ff9b:1:a9fe:a9:fe00::", false},   // a prefix of 48 bits
		{"64:ff9b:1:5a9:fe:a9fe::", false},    // of 56
		{"64:ff9b:1:5:a9:fea9:fe00:0", false}, // of 64
		{"64:ff9b:1:5:a9:fea9:fe00:7", false}, // with something behind it
		{"64:ff9b:1::10.0.0.1", true},
		{"64:ff9b:1:a00:0:100::", true},
		{"64:ff9b:2::169.254.169.254", true}, // of whoever it is
		{"2002:a9fe:a9fe::1", false},
		{"2002:7f00:1::1", false},
		{"2002:a00:1::1", true},
		{"2001:db8::a9fe:a9fe", true},
	} {
		err := NewRegistry(Options{}).Permit(netip.MustParseAddr(test.address))
		if got := err == nil; got != test.want {
			t.Errorf("%s: got %v (%v), want %v", test.address, got, err, test.want)
		}
	}
	if err := NewRegistry(Options{AllowLoopback: true}).Permit(netip.MustParseAddr("64:ff9b::127.0.0.1")); err != nil {
		t.Errorf("with loopback allowed: %v", err)
	}
}

func TestForbiddenAddressesOfANameInAnotherForm(t *testing.T) {
	r := NewRegistry(Options{})
	c := commit(r, external("a", "api.example.net", "192.0.2.1:443")).Cluster("a")
	_, _ = r.Resolved("api.example.net", ips("192.0.2.1 64:ff9b::192.0.2.1 2002:c000:201::1 64:ff9b::192.0.2.2"), nil)
	if got, want := at(c), "[64:ff9b::c000:202]:443"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
