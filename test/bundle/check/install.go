package check

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// checkInstall is about what comes into a cluster by the bundle.
func (b *bundle) checkInstall(r *report) {
	accounts := map[string]bool{}
	for _, d := range b.csv.Spec.Install.Spec.Deployments {
		accounts[d.Spec.Template.Spec.ServiceAccountName] = true
	}
	for _, p := range slices.Concat(b.csv.Spec.Install.Spec.ClusterPermissions, b.csv.Spec.Install.Spec.Permissions) {
		if !accounts[p.ServiceAccountName] {
			r.error("install/account", "rights are for %q, as which nothing runs", p.ServiceAccountName)
		}
		accounts[p.ServiceAccountName] = true
	}
	for _, m := range b.manifests {
		if m.Kind == "ServiceAccount" && accounts[m.Name] {
			r.error("bundle/service-account", "%s is made by OLM", m.Name)
		}
		b.checkObject(r, &m)
	}
	for _, rule := range b.rules() {
		checkRule(r, rule)
	}
}

// checkObject is about kinds that concern more than the operator.
func (b *bundle) checkObject(r *report, m *manifest) {
	var object struct {
		GlobalDefault bool `json:"globalDefault"`
		Spec          struct {
			MinAvailable   any `json:"minAvailable"`
			MaxUnavailable any `json:"maxUnavailable"`
		} `json:"spec"`
	}
	// What cannot be read is reported already.
	_ = yaml.Unmarshal(m.content, &object)
	none := []any{float64(0), "0", "0%"}
	switch {
	case m.Kind == "PodDisruptionBudget" && (slices.Contains(none, object.Spec.MaxUnavailable) || object.Spec.MinAvailable == "100%"):
		r.error("object/disruption-budget", "%s lets no node be drained", m.Name)
	case m.Kind == "PriorityClass" && object.GlobalDefault:
		r.error("object/priority-class", "%s is everybody's default", m.Name)
	}
}

// rules are all rights, those that are plain manifests as well.
func (b *bundle) rules() []rbacv1.PolicyRule {
	var all []rbacv1.PolicyRule
	for _, p := range slices.Concat(b.csv.Spec.Install.Spec.ClusterPermissions, b.csv.Spec.Install.Spec.Permissions) {
		all = append(all, p.Rules...)
	}
	for _, m := range b.manifests {
		if m.Kind != "ClusterRole" && m.Kind != "Role" {
			continue
		}
		var role rbacv1.ClusterRole
		_ = yaml.Unmarshal(m.content, &role)
		all = append(all, role.Rules...)
	}
	return all
}

func checkRule(r *report, rule rbacv1.PolicyRule) {
	all := slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs)
	if slices.Contains(all, "*") || slices.Contains(rule.Verbs, "escalate") || slices.Contains(rule.Verbs, "bind") {
		r.error("install/wide-rights", "%+v", rule)
	}
	writes := slices.ContainsFunc(rule.Verbs, func(v string) bool { return v != "get" && v != "list" && v != "watch" })
	if !writes {
		return
	}
	switch {
	case slices.Contains(rule.Resources, "customresourcedefinitions"):
		r.warn("good-practices/crd-rights", "%+v", rule)
	case slices.Contains(rule.Resources, "poddisruptionbudgets"):
		r.warn("object/disruption-budget-rights", "%+v", rule)
	case slices.Contains(rule.Resources, "securitycontextconstraints"):
		r.error("object/security-context-constraints", "%+v", rule)
	}
}
