package local

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func trustBundle(name, bundle string) string {
	return fmt.Sprintf("apiVersion: certificates.k8s.io/v1beta1\nkind: ClusterTrustBundle\nmetadata: {name: %s}\nspec:\n  trustBundle: |\n    %s\n",
		name, strings.ReplaceAll(strings.TrimSpace(bundle), "\n", "\n    "))
}

// TestTrustBundle has a backend with TLS vouched for by a ClusterTrustBundle, which
// is broken, goes and comes back.
func TestTrustBundle(t *testing.T) {
	world := newScene(t)
	objects, gateway := world.bare()
	for name, text := range service("shop/secure", world.secure) {
		objects[name] = text
	}
	objects["gateway"] = gateway + listener("http", 8080, "HTTP", "") + "\n"
	objects["route"] = route("HTTPRoute", "secure", "http", "", backend("secure"))
	objects["policy"] = strings.Replace(policy("secure", "bundle"), `{group: "", kind: ConfigMap,`, "{group: certificates.k8s.io, kind: ClusterTrustBundle,", 1)
	objects["bundle"] = trustBundle("bundle", string(world.bundle.CertPEM))
	s := start(t, objects)
	ask := world.overHTTP(8080, "a.example.com")
	s.wants(ask, http.StatusOK)
	for _, broken := range []string{trustBundle("bundle", "garbage"), ""} {
		s.write("bundle", broken)
		s.until("the policy is told", func(f facts) bool { return f.told("BackendTLSPolicy shop/secure", "InvalidCACertificateRef") })
		s.wants(ask, http.StatusBadGateway)
		s.write("bundle", objects["bundle"])
		s.wants(ask, http.StatusOK)
	}
}
