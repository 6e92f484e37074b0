package names_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

func TestForGateway(t *testing.T) {
	long := strings.Repeat("a", 253)
	for _, test := range []struct{ gateway, class, want string }{
		{"web", "fleetgate", "web-fleetgate"},
		{strings.Repeat("a", 53), "fleetgate", strings.Repeat("a", 53) + "-fleetgate"},
		{strings.Repeat("a", 54), "fleetgate", strings.Repeat("a", 52) + "-f6fb696663"},
		{long, "fleetgate", strings.Repeat("a", 52) + "-f948ea1e3d"},
		{"web.shop", "fleetgate", "web-shop-fleetgate-ff6db5d05d"},
		{"1web", "fleetgate", "g1web-fleetgate-2796815552"},
	} {
		if got := names.ForGateway(test.gateway, test.class).Name(); got != test.want {
			t.Errorf("ForGateway(%q, %q) = %q, want %q", test.gateway, test.class, got, test.want)
		}
	}
}

// TestNamesAreValid draws names as the API allows them, and holds every name
// and label that comes of them to what the API asks for there.
func TestNamesAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?){0,4}`)
		gateway, class := name.Draw(t, "gateway"), name.Draw(t, "class")
		fleet := names.ForGateway(gateway, class)
		for _, service := range []string{fleet.Name(), fleet.MetricsService(), names.SelectorPrefix(gateway) + "x7k2p"} {
			if wrong := validation.IsDNS1035Label(service); len(wrong) > 0 {
				t.Errorf("Service %q: %v", service, wrong)
			}
		}
		for _, object := range append(append(fleet.CertificateSecrets(), fleet.ConfigMaps()...), fleet.AdminSecret()) {
			if wrong := validation.IsDNS1123Subdomain(object); len(wrong) > 0 {
				t.Errorf("object %q: %v", object, wrong)
			}
		}
		for key, value := range names.Labels(gateway, class) {
			if wrong := validation.IsValidLabelValue(value); len(wrong) > 0 {
				t.Errorf("label %s=%q: %v", key, value, wrong)
			}
		}
	})
}

func TestReplacedCharactersDoNotMakeNamesEqual(t *testing.T) {
	seen := make(map[string]string)
	for _, gateway := range []string{"a.b", "a-b", "a.b.c", "a-b.c", "a.b-c", "a-b-c", "1", "g1"} {
		name := names.ForGateway(gateway, "x").Name()
		if other, dup := seen[name]; dup {
			t.Errorf("Gateways %q and %q are both named %q", gateway, other, name)
		}
		seen[name] = gateway
	}
}

func TestConfigMapsOfFleetsAreKnownByTheirNames(t *testing.T) {
	for _, gateway := range []string{"gw", "my-config", "a-config-routes-1"} {
		fleet := names.ForGateway(gateway, "fleetgate")
		for _, name := range fleet.ConfigMaps() {
			if !names.HoldsConfig(name) {
				t.Errorf("%s is not known", name)
			}
		}
		for _, name := range []string{fleet.Name(), fleet.NodeAgentConfigMap(), fleet.ConfigMap() + "-routes", fleet.ConfigMap() + "-routes-99", fleet.ConfigMap() + "s"} {
			if names.HoldsConfig(name) {
				t.Errorf("%s is said to be one", name)
			}
		}
	}
}

func TestCertificateIsAPlaceOfItsOwn(t *testing.T) {
	shards := make(map[int]int)
	seen := make(map[string]types.NamespacedName)
	for _, namespace := range []string{"a", "a-b", "shop"} {
		for _, name := range []string{"b", "b-c", "c", "tls", "cert.example.com"} {
			secret := types.NamespacedName{Namespace: namespace, Name: name}
			shard, key := names.Certificate(secret)
			if shard < 0 || shard >= names.CertificateShards {
				t.Errorf("%v is in shard %d", secret, shard)
			}
			if other, dup := seen[key]; dup {
				t.Errorf("%v and %v share the key %q", secret, other, key)
			}
			if wrong := validation.IsConfigMapKey(key + ".crt"); len(wrong) > 0 {
				t.Errorf("key %q: %v", key, wrong)
			}
			seen[key] = secret
			shards[shard]++
		}
	}
	if len(shards) < 2 {
		t.Errorf("all certificates are in one shard: %v", shards)
	}
}
