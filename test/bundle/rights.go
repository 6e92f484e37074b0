package main

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

// rights sorts roles by whether a binding gives them to the operator.
type rights struct {
	cluster, namespaced []olm.Permission
	// unbound are for others to bind, and stay manifests.
	unbound []rbacv1.ClusterRole
}

// rights follows the bindings. All of them must be the operator's, since OLM
// binds nothing else, and each must lead to a role.
func (s *source) rights() (rights, error) {
	var r rights
	clusterRoles, roles := map[string][]rbacv1.PolicyRule{}, map[string][]rbacv1.PolicyRule{}
	for _, role := range s.clusterRoles {
		clusterRoles[role.Name] = role.Rules
	}
	for _, role := range s.roles {
		roles[role.Name] = role.Rules
	}
	bound := map[string]bool{}
	for _, b := range s.clusterRoleBindings {
		if err := s.bound(b.Name, b.RoleRef, b.Subjects, "ClusterRole", clusterRoles); err != nil {
			return r, err
		}
		bound[b.RoleRef.Name] = true
	}
	r.cluster = s.permission(clusterRoles, func(name string) bool { return bound[name] })
	granted := map[string]bool{}
	for _, b := range s.roleBindings {
		if err := s.bound(b.Name, b.RoleRef, b.Subjects, "Role", roles); err != nil {
			return r, err
		}
		granted[b.RoleRef.Name] = true
	}
	for name := range roles {
		if !granted[name] {
			return r, fmt.Errorf("no binding refers to Role %q", name)
		}
	}
	r.namespaced = s.permission(roles, func(string) bool { return true })
	for _, role := range s.clusterRoles {
		if !bound[role.Name] {
			r.unbound = append(r.unbound, role)
		}
	}
	return r, nil
}

func (s *source) bound(binding string, ref rbacv1.RoleRef, subjects []rbacv1.Subject, kind string, roles map[string][]rbacv1.PolicyRule) error {
	if len(subjects) != 1 || subjects[0].Kind != rbacv1.ServiceAccountKind || subjects[0].Name != s.account() {
		return fmt.Errorf("binding %q gives rights to others than the operator", binding)
	}
	if _, ok := roles[ref.Name]; !ok || ref.Kind != kind {
		return fmt.Errorf("binding %q refers to %s %q, which is not there", binding, ref.Kind, ref.Name)
	}
	return nil
}

// permission joins the rules of the chosen roles, sorted by the roles' names.
func (s *source) permission(roles map[string][]rbacv1.PolicyRule, chosen func(name string) bool) []olm.Permission {
	var names []string
	for name := range roles {
		if chosen(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.SortFunc(names, strings.Compare)
	p := olm.Permission{ServiceAccountName: s.account()}
	for _, name := range names {
		p.Rules = append(p.Rules, roles[name]...)
	}
	return []olm.Permission{p}
}
