package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// operatorKinds are the kinds of objects that come with the operator, but for the
// CRD, which holds what users have written.
const operatorKinds = "namespaces,clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations"

// The operator goes without a trace and without a lost request, and comes back, by
// what its users run.
func TestOperatorIsUninstalledAndInstalledAgainUnderLoad(t *testing.T) {
	s := settled(t, "uninstalled")
	t.Cleanup(func() { reinstall(t) })
	dist := t.TempDir()
	makeIn(t, "build-installer", "DIST="+dist)
	run := s.load("shop.example.com", load.Options{})

	makeIn(t, "undeploy")
	wantNoOperator(t)
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "steady", Name: s.namespace, Version: "shop"})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := run.WaitSent(ctx, run.Sent()+5_000); err != nil {
		t.Fatal(err)
	}

	if _, err := cluster.Kubectl(ctx, "apply", "--server-side", "-f", filepath.Join(dist, "install.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := cluster.WaitDeployment(ctx, stack.Namespace, stack.Operator); err != nil {
		t.Fatal(err)
	}
	s.route("shop", "shop.example.com", "changed", "shop")
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "changed", Name: s.namespace, Version: "shop"})
	wantNoneFailed(t, run, run.Sent()+5_000)
	s.deleteGateway()
}

// makeIn runs a target of the Makefile as somebody who works on the cluster.
func makeIn(t *testing.T, args ...string) {
	t.Helper()
	if out, err := cluster.Exec(t.Context(), "make", append([]string{"-s", "-C", cluster.Root}, args...)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// wantNoOperator waits until nothing that came with the operator is left.
func wantNoOperator(t *testing.T) {
	t.Helper()
	wait(t, func(ctx context.Context) error {
		out, err := cluster.Kubectl(ctx, "get", operatorKinds, "-o", "name")
		if err != nil {
			return err
		}
		for name := range strings.FieldsSeq(string(out)) {
			if strings.Contains(name, "fleetgate") {
				return fmt.Errorf("%s is still there", name)
			}
		}
		out, err = cluster.Kubectl(ctx, "get", "clusterrolebindings,rolebindings", "-A", "-o",
			`jsonpath={range .items[?(@.subjects[0].namespace=="`+stack.Namespace+`")]}{.metadata.name} {end}`)
		if err == nil && len(out) > 0 {
			err = fmt.Errorf("still bound: %s", out)
		}
		return err
	})
}

// reinstall brings back what the other tests expect.
func reinstall(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// A namespace on its way out takes nothing.
	err := client.Poll(ctx, func(ctx context.Context) error {
		_, err := cluster.Kubectl(ctx, "apply", "--server-side", "--force-conflicts", "-k", filepath.Join(cluster.Root, "test", "install"))
		return err
	})
	if err == nil {
		err = client.Poll(ctx, func(ctx context.Context) error { return cluster.WaitDeployment(ctx, stack.Namespace, stack.Operator) })
	}
	if err != nil {
		t.Errorf("installing the operator again: %v", err)
	}
}

// repositoryFile reads a file of the repository.
func repositoryFile(t *testing.T, path ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{cluster.Root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}
