package olm

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
)

func TestObjects(t *testing.T) {
	c := &ClusterServiceVersion{Metadata: Metadata{Name: "op.v1.0.0"}}
	c.Spec.Install.Spec = InstallSpec{
		ClusterPermissions: []Permission{{ServiceAccountName: "op", Rules: []rbacv1.PolicyRule{{Resources: []string{"nodes"}}}}},
		Permissions:        []Permission{{ServiceAccountName: "op", Rules: []rbacv1.PolicyRule{{Resources: []string{"leases"}}}}},
		Deployments:        []Deployment{{Name: "op"}},
	}
	for _, test := range []struct {
		targets []string
		want    string
	}{
		{nil, "ClusterRole/op.v1.0.0 nodes;ClusterRole/op.v1.0.0-all leases;ClusterRoleBinding/op.v1.0.0;ClusterRoleBinding/op.v1.0.0-all;" +
			"Deployment/system/op for \"\";ServiceAccount/system/op;ServiceAccount/system/op"},
		{[]string{"system"}, "ClusterRole/op.v1.0.0 nodes;ClusterRoleBinding/op.v1.0.0;Deployment/system/op for \"system\";" +
			"Role/system/op.v1.0.0 leases;RoleBinding/system/op.v1.0.0;ServiceAccount/system/op;ServiceAccount/system/op"},
		{[]string{"a", "b"}, "ClusterRole/op.v1.0.0 nodes;ClusterRoleBinding/op.v1.0.0;Deployment/system/op for \"a,b\";" +
			"Role/a/op.v1.0.0 leases;Role/b/op.v1.0.0 leases;Role/system/op.v1.0.0 leases;" +
			"RoleBinding/a/op.v1.0.0;RoleBinding/b/op.v1.0.0;RoleBinding/system/op.v1.0.0;ServiceAccount/system/op;ServiceAccount/system/op"},
	} {
		got := summary(t, c.Objects(Installation{Namespace: "system", Targets: test.targets}))
		if diff := cmp.Diff(strings.Split(test.want, ";"), got); diff != "" {
			t.Errorf("%v (-want +got)\n%s", test.targets, diff)
		}
	}
}

func summary(t *testing.T, objects []any) []string {
	t.Helper()
	var all []string
	for _, o := range objects {
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var head struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
			Rules    []struct{ Resources []string }
			Spec     struct {
				Template struct {
					Metadata struct{ Annotations map[string]string }
				}
			}
		}
		if err := json.Unmarshal(text, &head); err != nil {
			t.Fatal(err)
		}
		line := head.Kind + "/" + head.Metadata.Name
		if head.Metadata.Namespace != "" {
			line = head.Kind + "/" + head.Metadata.Namespace + "/" + head.Metadata.Name
		}
		if len(head.Rules) > 0 {
			line += " " + head.Rules[0].Resources[0]
		}
		if head.Kind == "Deployment" {
			line += " for \"" + head.Spec.Template.Metadata.Annotations["olm.targetNamespaces"] + "\""
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return all
}
