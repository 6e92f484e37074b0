package controller

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// namespaced decodes the documents of a file of config/namespaced, one after another.
func namespaced(t *testing.T, name string, into ...any) int {
	t.Helper()
	return configured(t, "namespaced/"+name, into...)
}

// configured decodes those of any file of config.
func configured(t *testing.T, name string, into ...any) int {
	t.Helper()
	data, err := os.ReadFile("../../../config/" + name)
	if err != nil {
		t.Fatal(err)
	}
	documents := bytes.Split(data, []byte("\n---\n"))
	for i := range into {
		if err := yaml.UnmarshalStrict(documents[i], into[i]); err != nil {
			t.Fatalf("%s, document %d: %v", name, i, err)
		}
	}
	return len(documents)
}

// lines are the rights of a role, one of a resource each.
func lines(rules []rbacv1.PolicyRule, of func(resource string) bool) []string {
	var out []string
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				if of(resource) {
					out = append(out, resource+"."+group+": "+strings.Join(slices.Sorted(slices.Values(rule.Verbs)), " "))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// Where the operator serves listed namespaces, its rights in the cluster are those of
// its whole role that are about what is in no namespace, and no others.
func TestRightsForListedNamespacesAreNoOthers(t *testing.T) {
	outside := []string{"namespaces", "customresourcedefinitions", "clustertrustbundles", "gatewayclasses", "leases"}
	clusterWide := func(resource string) bool {
		kind, _, _ := strings.Cut(resource, "/")
		return slices.Contains(outside, kind)
	}
	var role rbacv1.ClusterRole
	var binding rbacv1.ClusterRoleBinding
	namespaced(t, "cluster_role.yaml", &role, &binding)
	want := lines(clusterRole(t).Rules, clusterWide)
	if diff := cmp.Diff(want, lines(role.Rules, func(string) bool { return true })); diff != "" {
		t.Errorf("in the cluster (-role.yaml +namespaced)\n%s", diff)
	}
	checkBound(t, binding.RoleRef, "ClusterRole", role.Name, binding.Subjects)

	var slice rbacv1.Role
	var toSlice rbacv1.RoleBinding
	namespaced(t, "api_servers.yaml", &slice, &toSlice)
	if slice.Namespace != names.APIServers.Namespace || len(slice.Rules) != 1 || !slices.Equal(slice.Rules[0].ResourceNames, []string{names.APIServers.Name}) {
		t.Errorf("beside the namespaces it may %+v in %s", slice.Rules, slice.Namespace)
	}
	checkBound(t, toSlice.RoleRef, "Role", slice.Name, toSlice.Subjects)
}

// The namespaces that the operator is told to serve are those in which it has rights.
func TestNamespacesAreListedOnce(t *testing.T) {
	var patch []struct{ Op, Path, Value string }
	namespaced(t, "watch_namespaces_patch.yaml", &patch)
	_, list, found := strings.Cut(patch[0].Value, "--watch-namespaces=")
	watched := strings.Split(list, ",")
	if !found || len(watched) < 2 {
		t.Fatalf("the argument is %q", patch[0].Value)
	}
	bindings := make([]rbacv1.RoleBinding, len(watched))
	into := make([]any, len(watched))
	for i := range bindings {
		into[i] = &bindings[i]
	}
	if n := namespaced(t, "role_bindings.yaml", into...); n != len(watched) {
		t.Errorf("%d RoleBindings for %d namespaces", n, len(watched))
	}
	var bound []string
	for i := range bindings {
		checkBound(t, bindings[i].RoleRef, "ClusterRole", "fleetgate-manager-role", bindings[i].Subjects)
		bound = append(bound, bindings[i].Namespace)
	}
	if diff := cmp.Diff(watched, bound); diff != "" {
		t.Errorf("namespaces (-watched +bound)\n%s", diff)
	}
}

func checkBound(t *testing.T, ref rbacv1.RoleRef, kind, name string, subjects []rbacv1.Subject) {
	t.Helper()
	want := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "fleetgate-controller-manager", Namespace: "fleetgate-system"}}
	if ref.Kind != kind || ref.Name != name || !cmp.Equal(subjects, want) {
		t.Errorf("%s %s is bound to %+v, want %s %s to the operator", ref.Kind, ref.Name, subjects, kind, name)
	}
}
