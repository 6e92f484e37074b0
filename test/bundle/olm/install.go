package olm

import (
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Installation is where a version is installed.
type Installation struct {
	// Namespace is the operator's.
	Namespace string
	// Targets are the namespaces that the OperatorGroup selects; none are all.
	Targets []string
}

// Objects are what OLM makes of the ClusterServiceVersion in this place: the
// accounts, their rights, and the Deployments with the namespaces to serve in an
// annotation of their pods. Rights of "permissions" are for the operator's own
// namespace and the targets, and for the whole cluster where all are served.
func (c *ClusterServiceVersion) Objects(in Installation) []any {
	var all []any
	name := c.Metadata.Name
	for _, p := range c.Spec.Install.Spec.ClusterPermissions {
		all = append(all, in.account(p), clusterRole(name, p), in.clusterBinding(name, p))
	}
	for _, p := range c.Spec.Install.Spec.Permissions {
		if len(in.Targets) == 0 {
			all = append(all, in.account(p), clusterRole(name+"-all", p), in.clusterBinding(name+"-all", p))
			continue
		}
		all = append(all, in.account(p))
		for namespace := range in.namespaces() {
			all = append(all, role(name, namespace, p), in.binding(name, namespace, p))
		}
	}
	for _, d := range c.Spec.Install.Spec.Deployments {
		all = append(all, in.deployment(d))
	}
	return all
}

// namespaces are those of "permissions".
func (in Installation) namespaces() map[string]bool {
	all := map[string]bool{in.Namespace: true}
	for _, n := range in.Targets {
		all[n] = true
	}
	return all
}

func kind(group, kind string) metav1.TypeMeta { return metav1.TypeMeta{APIVersion: group, Kind: kind} }

var rbac = rbacv1.SchemeGroupVersion.String()

func (in Installation) account(p Permission) corev1.ServiceAccount {
	return corev1.ServiceAccount{TypeMeta: kind("v1", "ServiceAccount"), ObjectMeta: metav1.ObjectMeta{Name: p.ServiceAccountName, Namespace: in.Namespace}}
}

func clusterRole(name string, p Permission) rbacv1.ClusterRole {
	return rbacv1.ClusterRole{TypeMeta: kind(rbac, "ClusterRole"), ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: p.Rules}
}

func role(name, namespace string, p Permission) rbacv1.Role {
	return rbacv1.Role{TypeMeta: kind(rbac, "Role"), ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Rules: p.Rules}
}

func (in Installation) subjects(p Permission) []rbacv1.Subject {
	return []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: p.ServiceAccountName, Namespace: in.Namespace}}
}

func (in Installation) clusterBinding(name string, p Permission) rbacv1.ClusterRoleBinding {
	return rbacv1.ClusterRoleBinding{
		TypeMeta: kind(rbac, "ClusterRoleBinding"), ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: in.subjects(p),
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
	}
}

func (in Installation) binding(name, namespace string, p Permission) rbacv1.RoleBinding {
	return rbacv1.RoleBinding{
		TypeMeta: kind(rbac, "RoleBinding"), ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Subjects: in.subjects(p),
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
	}
}

func (in Installation) deployment(d Deployment) appsv1.Deployment {
	spec := *d.Spec.DeepCopy()
	spec.Template.Annotations = maps.Clone(spec.Template.Annotations)
	if spec.Template.Annotations == nil {
		spec.Template.Annotations = map[string]string{}
	}
	spec.Template.Annotations["olm.targetNamespaces"] = strings.Join(in.Targets, ",")
	spec.Template.Annotations["olm.operatorNamespace"] = in.Namespace
	return appsv1.Deployment{
		TypeMeta: kind("apps/v1", "Deployment"), ObjectMeta: metav1.ObjectMeta{Name: d.Name, Namespace: in.Namespace, Labels: d.Label}, Spec: spec,
	}
}
