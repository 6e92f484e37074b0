package snapshot

import (
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestMisdirected(t *testing.T) {
	p := pairs{"a": newPair(t, "a", "*.example.com")}
	with := newWorld(t)
	with.certificates = p
	with.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{
		httpsListener("one", "one.example.com", p.ref("a")),
		httpsListener("wild", "*.example.com", p.ref("a")),
		httpsListener("org", "example.org", p.ref("a")),
		httpsListener("broken", "broken.example.com", proxyconfig.CertificateRef{Key: "gone"}),
	}})
	withAny := newWorld(t)
	withAny.certificates = p
	withAny.apply(&proxyconfig.Config{Listeners: []proxyconfig.Listener{
		httpsListener("one", "one.example.com", p.ref("a")), httpsListener("any", "", p.ref("a")),
	}})
	for _, test := range []struct {
		world     *world
		sni, host string
		want      bool
	}{
		{with, "one.example.com", "one.example.com", false},
		{with, "One.Example.COM.", "one.example.com", false},
		{with, "two.example.com", "three.example.com", false},
		{with, "two.example.com", "a.b.example.com", false},
		{with, "two.example.com", "one.example.com", true},
		{with, "one.example.com", "two.example.com", true},
		{with, "one.example.com", "example.org", true},
		{with, "example.org", "one.example.com", true},
		{with, "two.example.com", "broken.example.com", true},
		// No listener is for the host: the answer is 404.
		{with, "one.example.com", "example.net", false},
		{with, "one.example.com", "example.com", false},
		{with, "one.example.com", "", false},
		{withAny, "", "example.net", false},
		{withAny, "example.net", "", false},
		{withAny, "", "one.example.com", true},
		{withAny, "one.example.com", "example.net", true},
		{withAny, "one.example.com", "", true},
	} {
		port := test.world.serving.Ports[0]
		if got := port.Misdirected([]byte(ServerName(test.sni)), []byte(test.host)); got != test.want {
			t.Errorf("%q over a connection for %q: got %v, want %v", test.host, test.sni, got, test.want)
		}
	}
	sni, host := []byte("two.example.com"), []byte("three.example.com")
	if got := testing.AllocsPerRun(100, func() { with.serving.Ports[0].Misdirected(sni, host) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
