package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/proxy/internal/accesslog"
)

func TestParse(t *testing.T) {
	o, err := parse(strings.Fields("--gateway-namespace=ns --gateway-name=gw --gateway-uid=u --watch-configmap=c --watch-secrets=a,b" +
		" --bind=127.0.0.1 --access-log=json --drain-timeout=3s --loops=2 --allow-loopback-backends --log-level=debug"))
	if err != nil {
		t.Fatal(err)
	}
	if o.Gateway.Namespace != "ns" || o.Gateway.Name != "gw" || o.Gateway.UID != "u" || o.Watch.ConfigMap != "c" ||
		!slices.Equal(o.Watch.Secrets, []string{"a", "b"}) || o.Bind != netip.MustParseAddr("127.0.0.1") ||
		o.AccessLog != accesslog.JSON || o.DrainTimeout != 3*time.Second || o.Loops != 2 || !o.AllowLoopbackBackends || !o.Log.V(1).Enabled() {
		t.Errorf("got %+v", o)
	}
	o, err = parse(nil)
	if err != nil || o.HealthAddress != ":19000" || o.AdminAddress != ":19001" || o.DrainTimeout != 25*time.Second ||
		len(o.Watch.Secrets) != 0 || o.Bind.IsValid() || o.Log.V(1).Enabled() {
		t.Errorf("defaults: got %+v, %v", o, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range []string{"--bind=nowhere", "--access-log=xml", "--log-level=loud", "--unknown", "word", "--drain-timeout=soon"} {
		if _, err := parse([]string{args}); err == nil {
			t.Errorf("%s was accepted", args)
		}
	}
}
