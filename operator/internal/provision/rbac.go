package provision

import (
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// role lets a proxy read its own configuration and nothing else. Lists and
// watches are bound by the resource names too, as long as they select one
// object by its metadata.name.
func (f *fleet) role() *rbacv1.Role {
	verbs := []string{"get", "list", "watch"}
	return &rbacv1.Role{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "Role"},
		ObjectMeta: f.meta(f.names.Name()),
		Rules: []rbacv1.PolicyRule{{
			APIGroups:     []string{""},
			Resources:     []string{"configmaps"},
			ResourceNames: f.names.ConfigMaps(),
			Verbs:         verbs,
		}, {
			APIGroups:     []string{""},
			Resources:     []string{"secrets"},
			ResourceNames: f.names.CertificateSecrets(),
			Verbs:         verbs,
		}},
	}
}

func (f *fleet) roleBinding() *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "RoleBinding"},
		ObjectMeta: f.meta(f.names.Name()),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: f.names.Name()},
		Subjects: []rbacv1.Subject{{
			Kind:      rbacv1.ServiceAccountKind,
			Namespace: f.gateway.Namespace,
			Name:      f.names.Name(),
		}},
	}
}
