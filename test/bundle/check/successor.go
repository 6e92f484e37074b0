package check

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

// checkSuccessor is what OLM v1 does not take, which the first one does.
func (b *bundle) checkSuccessor(r *report) {
	c := &b.csv.Spec
	if !slices.Contains(c.InstallModes, olm.InstallMode{Type: "AllNamespaces", Supported: true}) {
		r.error("olmv1/all-namespaces", "that install mode is not supported")
	}
	if len(c.APIServiceDefinitions.Owned)+len(c.APIServiceDefinitions.Required) > 0 {
		r.error("olmv1/api-services", "%+v", c.APIServiceDefinitions)
	}
	if len(c.CustomResourceDefinitions.Required) > 0 {
		r.error("olmv1/required-crds", "%+v: nothing in a catalog provides them", c.CustomResourceDefinitions.Required)
	}
	names := map[string]bool{}
	for _, d := range c.Install.Spec.Deployments {
		if len(validation.IsDNS1123Subdomain(d.Name)) > 0 || names[d.Name] {
			r.error("olmv1/deployment-names", "%q is no name, or there twice", d.Name)
		}
		names[d.Name] = true
	}
	webhooks := map[string]bool{}
	for _, w := range c.WebhookDefinitions {
		if len(validation.IsDNS1123Subdomain(w.GenerateName)) > 0 || webhooks[w.GenerateName] {
			r.error("olmv1/webhook-names", "%q is no name, or there twice", w.GenerateName)
		}
		webhooks[w.GenerateName] = true
	}
	for _, rule := range b.rules() {
		if slices.Contains(rule.Resources, "operatorconditions") {
			r.error("olmv1/operator-conditions", "%+v", rule)
		}
	}
}
