package controller

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

func clusterRole(t *testing.T) *rbacv1.ClusterRole {
	t.Helper()
	data, err := os.ReadFile("../../../config/rbac/role.yaml")
	if err != nil {
		t.Fatal(err)
	}
	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict(data, role); err != nil {
		t.Fatal(err)
	}
	return role
}

// The operator's rights name what they are for; and nobody can use it to write
// what users write.
func TestRightsAreNarrow(t *testing.T) {
	users := []string{"gateways", "httproutes", "tcproutes", "tlsroutes", "udproutes", "listenersets", "referencegrants", "namespaces", "pods", "endpointslices", "gatewayparameters", "customresourcedefinitions"}
	writing := []string{"create", "update", "patch", "delete", "deletecollection", "bind", "escalate", "impersonate"}
	for _, rule := range clusterRole(t).Rules {
		for _, list := range [][]string{rule.APIGroups, rule.Resources, rule.Verbs} {
			if slices.Contains(list, "*") {
				t.Errorf("a wildcard: %+v", rule)
			}
		}
		for _, resource := range rule.Resources {
			if resource == "leases" && len(rule.ResourceNames) != 1 {
				t.Errorf("it sees the leases %v", rule.ResourceNames)
			}
			for _, verb := range rule.Verbs {
				if slices.Contains(users, resource) && slices.Contains(writing, verb) {
					t.Errorf("it may %s %s", verb, resource)
				}
			}
		}
	}
}

// Nobody can grant what he does not have: all rights of a proxy's Role are among
// the operator's own.
func TestRightsCoverTheProxies(t *testing.T) {
	role := clusterRole(t)
	gw := gateway("gw")
	g := graph.Build(&store.Resources{Gateway: gw, Class: class("fleetgate", controllerName)}, graph.Options{ControllerName: controllerName})
	granted := 0
	for _, obj := range provision.Desired(g, provision.Settings{ProxyImage: "p", SensorImage: "s"}).Objects {
		given, ok := obj.(*rbacv1.Role)
		if !ok {
			continue
		}
		for _, rule := range given.Rules {
			for _, verb := range rule.Verbs {
				granted++
				if !allows(role, rule.APIGroups[0], rule.Resources[0], verb) {
					t.Errorf("it cannot grant %s %s", verb, rule.Resources[0])
				}
			}
		}
	}
	if granted == 0 {
		t.Error("no Role was found")
	}
}

func allows(role *rbacv1.ClusterRole, group, resource, verb string) bool {
	return slices.ContainsFunc(role.Rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.APIGroups, group) && slices.Contains(rule.Resources, resource) && slices.Contains(rule.Verbs, verb)
	})
}

var update = flag.Bool("update", false, "rewrite the files of testdata")

// All that the operator may do in the cluster, as lines to review: a right that comes
// or goes shows here.
func TestRightsAreThoseThatWereReviewed(t *testing.T) {
	var lines []string
	for _, rule := range clusterRole(t).Rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				lines = append(lines, strings.TrimSuffix(resource+"."+group, ".")+": "+strings.Join(slices.Sorted(slices.Values(rule.Verbs)), " "))
			}
		}
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	const path = "testdata/rights.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("rights (-reviewed +role.yaml), see -update:\n%s", diff)
	}
}
