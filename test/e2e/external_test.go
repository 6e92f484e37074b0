package e2e

import (
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

func TestXBackendLeadsToANameThatTheProxiesResolve(t *testing.T) {
	t.Parallel()
	s := serving(t, "external", "v1", "v2")
	s.apply("xroute", map[string]any{"XBackend": "external"})
	for _, version := range []string{"v1", "v2"} {
		s.apply("external", map[string]any{"Hostname": version + "." + s.namespace + ".svc." + client.OutsideDomain})
		s.waitFor("external.example.com", "/", answer{Status: http.StatusOK, Name: s.namespace, Version: version})
		s.waitXBackend("external", metav1.ConditionTrue, "Accepted")
	}
}
