package writes

import (
	"errors"
	"net/http"
	"testing"
)

func request(t *testing.T, method, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://10.96.0.1"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTargetOf(t *testing.T) {
	const group = "gateway.networking.k8s.io"
	for _, tt := range []struct {
		method, path string
		want         Target
	}{
		{"POST", "/api/v1/namespaces/shop/configmaps", Target{"create", "", "configmaps", ""}},
		{"PUT", "/api/v1/namespaces/shop/configmaps/web", Target{"update", "", "configmaps", "web"}},
		{"PATCH", "/api/v1/namespaces/shop", Target{"patch", "", "namespaces", "shop"}},
		{"DELETE", "/apis/apps/v1/namespaces/shop/deployments/web", Target{"delete", "apps", "deployments", "web"}},
		{"PATCH", "/apis/" + group + "/v1/gatewayclasses/fleetgate/status", Target{"patch", group, "gatewayclasses/status", "fleetgate"}},
		{"PATCH", "/apis/" + group + "/v1/namespaces/shop/gateways/web/status", Target{"patch", group, "gateways/status", "web"}},
		{"PUT", "/k8s/clusters/c-1/apis/coordination.k8s.io/v1/namespaces/s/leases/l", Target{"update", "coordination.k8s.io", "leases", "l"}},
		{"POST", "/api/v1", Target{Verb: "create"}},
		{"POST", "/apis", Target{Verb: "create"}},
		{"POST", "/elsewhere", Target{Verb: "create"}},
		{"POST", "", Target{Verb: "create"}},
	} {
		if got, writes := TargetOf(request(t, tt.method, tt.path)); got != tt.want || !writes {
			t.Errorf("%s %s: got %+v, %v", tt.method, tt.path, got, writes)
		}
	}
	if got, writes := TargetOf(request(t, "GET", "/api/v1/pods")); writes {
		t.Errorf("a GET is to change %+v", got)
	}
}

func TestCount(t *testing.T) {
	counts := map[string]int{}
	failing := roundTripper(func(*http.Request) (*http.Response, error) { return nil, http.ErrHandlerTimeout })
	counted := Count(failing, func(target Target) { counts[target.Verb+" "+target.Resource]++ })
	for _, method := range []string{"GET", "PATCH", "PATCH", "HEAD", "DELETE"} {
		if _, err := counted.RoundTrip(request(t, method, "/api/v1/namespaces/shop/services/web")); !errors.Is(err, http.ErrHandlerTimeout) {
			t.Errorf("%s: error %v", method, err)
		}
	}
	if len(counts) != 2 || counts["patch services"] != 2 || counts["delete services"] != 1 {
		t.Errorf("counted %v", counts)
	}
}
