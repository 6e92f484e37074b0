package e2e

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// operatorAccount is the ServiceAccount of the operator.
const operatorAccount = "fleetgate-controller-manager"

// The operator that is installed for listed namespaces serves these and sees no other,
// and has rights in these and nowhere else but to what is in no namespace.
func TestListedNamespacesAloneAreServed(t *testing.T) {
	scaleOperator(t.Context(), t, 0)
	listed, other := namespaceOf(t, "tenant-a"), newTenant(t, "unlisted")
	namespaceOf(t, "tenant-b")
	listed.serve(server{name: "shop", port: 8080, handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }})
	for _, s := range []*tenantSpace{listed, other} {
		s.apply("gateway", nil)
	}
	listed.route("shop", "shop.example.com", "steady", "shop")
	installForListedNamespaces(t)

	listed.waitProgrammed()
	listed.waitFor("shop.example.com", "/", answer{Status: http.StatusNoContent, Mark: "steady"})
	other.wantUnseen()

	as := impersonate(t, stack.Namespace, operatorAccount)
	for _, namespace := range []string{other.namespace, "kube-system", "default"} {
		wantRightsOutside(t, as, namespace)
	}
	for _, namespace := range []string{listed.namespace, other.namespace, ""} {
		for resource, verb := range map[string]string{"secrets": "get", "configmaps": "list", "pods": "watch", "services": "create", "serviceaccounts": "delete"} {
			wantRight(t, as, authorizationv1.ResourceAttributes{Namespace: namespace, Resource: resource, Verb: verb}, namespace == listed.namespace)
		}
	}
	listed.deleteGateway()
}

// namespaceOf is newTenant for a namespace whose whole name is given.
func namespaceOf(t *testing.T, name string) *tenantSpace {
	t.Helper()
	s := &tenantSpace{t: t, namespace: name, gateway: gatewayIn(name)}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	// One of another test may still be on its way out.
	wait(t, func(ctx context.Context) error { return cluster.Client.Create(ctx, namespace.DeepCopy()) })
	t.Cleanup(func() {
		if t.Failed() {
			s.dump()
		}
		if err := cluster.Client.Delete(context.Background(), namespace); err != nil {
			t.Error(err)
		}
	})
	return s
}

// installForListedNamespaces takes away what the operator may do everywhere, and has it
// started for the namespaces of config/namespaced until the test ends.
func installForListedNamespaces(t *testing.T) {
	t.Helper()
	kubectl := func(ctx context.Context, args ...string) {
		if _, err := cluster.Kubectl(ctx, args...); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() {
		kubectl(context.Background(), "delete", "clusterrole/fleetgate-manager-cluster-role", "clusterrolebinding/fleetgate-manager-cluster-rolebinding")
		kubectl(context.Background(), "delete", "-n", "default", "role/fleetgate-api-servers", "rolebinding/fleetgate-api-servers")
		reinstall(t)
	})
	kubectl(t.Context(), "delete", "clusterrolebinding/fleetgate-manager-rolebinding")
	kubectl(t.Context(), "apply", "--server-side", "--force-conflicts", "-k", filepath.Join(cluster.Root, "test", "install", "namespaced"))
	wait(t, func(ctx context.Context) error { return cluster.WaitDeployment(ctx, stack.Namespace, stack.Operator) })
}

// wantRightsOutside asserts that in a namespace that is not served the account may do
// what it may everywhere: read what is in no namespace, write to its classes, ask who
// somebody is and what he may, and know where the API servers are.
func wantRightsOutside(t *testing.T, as ctrlclient.Client, namespace string) {
	t.Helper()
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	if err := as.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	everywhere := []string{
		"namespaces", "customresourcedefinitions", "clustertrustbundles", "gatewayclasses", "gatewayclasses/finalizers", "gatewayclasses/status",
		"tokenreviews", "subjectaccessreviews", "leases",
	}
	for _, rule := range review.Status.ResourceRules {
		knowsAPIServers := namespace == "default" && slices.Equal(rule.Resources, []string{"endpointslices"}) &&
			slices.Equal(rule.ResourceNames, []string{"kubernetes"}) && reads(rule.Verbs)
		others := slices.DeleteFunc(slices.Clone(rule.Resources), func(resource string) bool {
			return slices.Contains(everywhere, resource) || strings.HasPrefix(resource, "selfsubject")
		})
		if len(others) > 0 && !knowsAPIServers {
			t.Errorf("in %s it may %v %v of %v, named %v", namespace, rule.Verbs, rule.Resources, rule.APIGroups, rule.ResourceNames)
		}
	}
}

// wantRight asserts that the account may do something, or may not.
func wantRight(t *testing.T, as ctrlclient.Client, what authorizationv1.ResourceAttributes, want bool) {
	t.Helper()
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &what}}
	if err := as.Create(t.Context(), review); err != nil {
		t.Fatal(err)
	}
	if review.Status.Allowed != want {
		t.Errorf("that it may %s %s in %q is %t, want %t", what.Verb, what.Resource, what.Namespace, review.Status.Allowed, want)
	}
}
