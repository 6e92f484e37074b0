package main

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

// What OLM installs is what config/ installs.

// rules of several files of config/rbac, in this order.
func rules(t *testing.T, names ...string) []rbacv1.PolicyRule {
	t.Helper()
	var all []rbacv1.PolicyRule
	for _, name := range names {
		// A Role has the same fields.
		var role rbacv1.ClusterRole
		configFile(t, "rbac/"+name, &role)
		all = append(all, role.Rules...)
	}
	return all
}

func TestRightsAreThoseOfConfig(t *testing.T) {
	install := committedCSV(t).Spec.Install.Spec
	account := install.Deployments[0].Spec.Template.Spec.ServiceAccountName
	cluster := []olm.Permission{{ServiceAccountName: account, Rules: rules(t, "role.yaml", "metrics_auth_role.yaml")}}
	if diff := cmp.Diff(cluster, install.ClusterPermissions); diff != "" {
		t.Errorf("clusterPermissions (-config +bundle)\n%s", diff)
	}
	namespaced := []olm.Permission{{ServiceAccountName: account, Rules: rules(t, "leader_election_role.yaml")}}
	if diff := cmp.Diff(namespaced, install.Permissions); diff != "" {
		t.Errorf("permissions (-config +bundle)\n%s", diff)
	}
	for name, file := range map[string]string{
		"metrics-reader":                "metrics_reader_role.yaml",
		"gatewayparameters-admin-role":  "gatewayparameters_admin_role.yaml",
		"gatewayparameters-editor-role": "gatewayparameters_editor_role.yaml",
		"gatewayparameters-viewer-role": "gatewayparameters_viewer_role.yaml",
	} {
		var unbound rbacv1.ClusterRole
		decodeFile(t, committed(t), "manifests/fleetgate-"+name+"_rbac.authorization.k8s.io_v1_clusterrole.yaml", &unbound)
		if diff := cmp.Diff(rules(t, file), unbound.Rules); diff != "" {
			t.Errorf("%s (-config +bundle)\n%s", name, diff)
		}
	}
}

// No right is a wildcard, none writes CRDs, and none of them lets the operator
// give away more than it has.
func TestRightsAreNoWiderThanNeeded(t *testing.T) {
	install := committedCSV(t).Spec.Install.Spec
	for _, p := range slices.Concat(install.ClusterPermissions, install.Permissions) {
		for _, r := range p.Rules {
			all := slices.Concat(r.APIGroups, r.Resources, r.Verbs)
			if slices.Contains(all, "*") || slices.Contains(r.Verbs, "escalate") || slices.Contains(r.Verbs, "bind") {
				t.Errorf("rule %+v", r)
			}
			writes := slices.ContainsFunc(r.Verbs, func(v string) bool { return v != "get" && v != "list" && v != "watch" })
			if slices.Contains(r.Resources, "customresourcedefinitions") && writes {
				t.Errorf("rule %+v writes CRDs", r)
			}
		}
	}
}

// The Deployment is that of config/manager, but for the namespaces to serve,
// which OLM alone knows.
func TestDeploymentIsThatOfConfig(t *testing.T) {
	install := committedCSV(t).Spec.Install
	if install.Strategy != "deployment" || len(install.Spec.Deployments) != 1 {
		t.Fatalf("strategy %q, %d Deployments", install.Strategy, len(install.Spec.Deployments))
	}
	got := install.Spec.Deployments[0]
	var manager appsv1.Deployment
	configFile(t, "manager/manager.yaml", &manager)
	const prefix = "fleetgate-"
	want := manager.Spec
	want.Template.Spec.ServiceAccountName = prefix + want.Template.Spec.ServiceAccountName
	container := &want.Template.Spec.Containers[0]
	container.Args = append(container.Args, "--watch-namespaces=$(WATCH_NAMESPACES)")
	container.Env = append(container.Env, corev1.EnvVar{Name: "WATCH_NAMESPACES", ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['olm.targetNamespaces']"},
	}})
	if got.Name != prefix+manager.Name {
		t.Errorf("name %q", got.Name)
	}
	if diff := cmp.Diff(want, got.Spec); diff != "" {
		t.Errorf("Deployment (-config +bundle)\n%s", diff)
	}
}

// A container without requests is warned about, and the suggested namespace
// takes none that is not confined.
func TestContainersAreConfined(t *testing.T) {
	pod := committedCSV(t).Spec.Install.Spec.Deployments[0].Spec.Template.Spec
	if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil {
		t.Errorf("security context of the pod %+v", s)
	}
	for _, c := range pod.Containers {
		if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() {
			t.Errorf("%s requests %v", c.Name, c.Resources.Requests)
		}
		if c.LivenessProbe == nil || c.ReadinessProbe == nil {
			t.Errorf("%s lacks a probe", c.Name)
		}
		s := c.SecurityContext
		if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.Capabilities == nil ||
			!slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
			t.Errorf("security context of %s %+v", c.Name, s)
		}
	}
}

func TestMetricsServiceLeadsToTheOperator(t *testing.T) {
	var service corev1.Service
	decodeFile(t, committed(t), "manifests/fleetgate-controller-manager-metrics-service_v1_service.yaml", &service)
	template := committedCSV(t).Spec.Install.Spec.Deployments[0].Spec.Template
	for key, value := range service.Spec.Selector {
		if template.Labels[key] != value {
			t.Errorf("the Service selects %s=%s, the pods have %v", key, value, template.Labels)
		}
	}
	if len(service.Spec.Selector) == 0 || len(service.Spec.Ports) != 1 {
		t.Fatalf("Service %+v", service.Spec)
	}
	port := service.Spec.Ports[0].TargetPort.IntVal
	if argument := fmt.Sprintf("--metrics-bind-address=:%d", port); !slices.Contains(template.Spec.Containers[0].Args, argument) {
		t.Errorf("arguments %q, want %s among them", template.Spec.Containers[0].Args, argument)
	}
}

// What only a human can say is what the base says.
func TestTextIsThatOfTheBase(t *testing.T) {
	content, err := os.ReadFile(root + "/config/manifests/bases/fleetgate.clusterserviceversion.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var base olm.ClusterServiceVersion
	if err := yaml.UnmarshalStrict(content, &base); err != nil {
		t.Fatal(err)
	}
	got := committedCSV(t)
	for key, value := range base.Metadata.Annotations {
		if got.Metadata.Annotations[key] != value {
			t.Errorf("annotation %s is %q, want %q", key, got.Metadata.Annotations[key], value)
		}
	}
	for i := range got.Spec.CustomResourceDefinitions.Owned {
		owned := &got.Spec.CustomResourceDefinitions.Owned[i]
		owned.SpecDescriptors, owned.StatusDescriptors = nil, nil
	}
	base.Spec.Version, base.Spec.Install, base.Spec.RelatedImages = got.Spec.Version, got.Spec.Install, got.Spec.RelatedImages
	if diff := cmp.Diff(base.Spec, got.Spec); diff != "" {
		t.Errorf("spec (-base +bundle)\n%s", diff)
	}
}
