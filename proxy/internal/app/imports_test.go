package app

import (
	"os/exec"
	"strings"
	"testing"
)

// The proxy stays small and stands alone: it builds without anything of
// Kubernetes or of the operator.
func TestProxyImportsNothingOfKubernetes(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "github.com/fleetgate/fleetgate/proxy").Output()
	if err != nil {
		t.Fatalf("listing imports: %v", err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 100 {
		t.Fatalf("only %d packages are listed", len(packages))
	}
	for _, p := range packages {
		if strings.HasPrefix(p, "k8s.io/") || strings.HasPrefix(p, "sigs.k8s.io/") || strings.Contains(p, "fleetgate/operator") {
			t.Errorf("the proxy imports %s", p)
		}
	}
}
