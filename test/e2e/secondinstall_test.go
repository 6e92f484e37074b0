package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// secondNamespace is that of another install of the operator.
const secondNamespace = "fleetgate-second"

// secondRights are those of the first install, for the account of the second one.
const secondRights = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{.Account}}, namespace: {{.Namespace}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: {{.Namespace}}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: fleetgate-manager-role}
subjects: [{kind: ServiceAccount, name: {{.Account}}, namespace: {{.Namespace}}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: lease, namespace: {{.Namespace}}}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create, get, update, patch]}
- {apiGroups: [events.k8s.io], resources: [events], verbs: [create, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: lease, namespace: {{.Namespace}}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: lease}
subjects: [{kind: ServiceAccount, name: {{.Account}}, namespace: {{.Namespace}}}]
`

// Another install of the operator, in a namespace of its own, stands back for the one whose
// name is in the classes: it says why, is not ready, and nothing is written. A person can
// hand the classes over, and then it serves, and the first one stands back.
func TestASecondInstallStandsBack(t *testing.T) {
	s := settled(t, "second-install")
	before := s.versions()
	installSecond(t)
	wait(t, func(ctx context.Context) error {
		return toldStandsBack(ctx, secondNamespace, stack.Namespace)
	})
	time.Sleep(settling)
	if diff := cmp.Diff(before, s.versions()); diff != "" {
		t.Errorf("objects before the second install, and beside it:\n%s", diff)
	}
	if ready := secondReady(t); ready != 0 {
		t.Errorf("%d pods of it are ready", ready)
	}

	handOver(t, secondNamespace)
	wait(t, func(ctx context.Context) error { return cluster.WaitDeployment(ctx, secondNamespace, stack.Operator) })
	wait(t, func(ctx context.Context) error {
		return toldStandsBack(ctx, stack.Namespace, secondNamespace)
	})
	s.route("shop", "shop.example.com", "changed", "shop")
	s.waitFor("shop.example.com", "/", answer{Status: http.StatusOK, Mark: "changed", Name: s.namespace, Version: "shop"})

	uninstallSecond(t)
	wait(t, func(ctx context.Context) error { return cluster.WaitDeployment(ctx, stack.Namespace, stack.Operator) })
}

// toldStandsBack returns an error unless an Event in the namespace of an install says that
// it stands back for the one in the other namespace.
func toldStandsBack(ctx context.Context, namespace, other string) error {
	notes, err := cluster.Kubectl(ctx, "get", "events.events.k8s.io", "-n", namespace, "--field-selector=reason=StandsBack", "-o", "jsonpath={.items[*].note}")
	if err == nil && !strings.Contains(string(notes), "The operator in namespace "+other+" serves") {
		err = fmt.Errorf("the Events in %s are %q", namespace, notes)
	}
	return err
}

// handOver gives all classes of the operator to the install in the namespace.
func handOver(t *testing.T, namespace string) {
	t.Helper()
	if _, err := cluster.Kubectl(t.Context(), "annotate", "gatewayclasses", "--all", "--overwrite", "fleetgate.io/install="+namespace); err != nil {
		t.Fatal(err)
	}
}

// installSecond starts what runs in the first install once more.
func installSecond(t *testing.T) {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: secondNamespace}}
	wait(t, func(ctx context.Context) error { return cluster.Client.Create(ctx, namespace.DeepCopy()) })
	t.Cleanup(func() { uninstallSecond(t) })
	var manifest bytes.Buffer
	err := template.Must(template.New("rights").Parse(secondRights)).Execute(&manifest, map[string]string{"Namespace": secondNamespace, "Account": operatorAccount})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Apply(t.Context(), manifest.Bytes()); err != nil {
		t.Fatal(err)
	}
	first := &appsv1.Deployment{}
	if err := cluster.Client.Get(t.Context(), ctrlclient.ObjectKey{Namespace: stack.Namespace, Name: stack.Operator}, first); err != nil {
		t.Fatal(err)
	}
	second := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: secondNamespace, Name: stack.Operator}, Spec: first.Spec}
	if err := cluster.Client.Create(t.Context(), second); err != nil {
		t.Fatal(err)
	}
}

// uninstallSecond removes it, and waits until none of its processes is left.
func uninstallSecond(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := cluster.Kubectl(ctx, "delete", "--ignore-not-found", "namespace/"+secondNamespace, "clusterrolebinding/"+secondNamespace); err != nil {
		t.Error(fmt.Errorf("removing the second install: %w", err))
	}
}

// secondReady counts the ready pods of the second install.
func secondReady(t *testing.T) int32 {
	t.Helper()
	second := &appsv1.Deployment{}
	if err := cluster.Client.Get(t.Context(), ctrlclient.ObjectKey{Namespace: secondNamespace, Name: stack.Operator}, second); err != nil {
		t.Fatal(err)
	}
	return second.Status.ReadyReplicas
}
