package check

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

var (
	semver     = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)
	kubernetes = regexp.MustCompile(`^1\.\d+\.\d+$`)
)

// checkCSV is what OLM's own validator says of the ClusterServiceVersion.
func (b *bundle) checkCSV(r *report) {
	c := &b.csv
	if c.APIVersion != "operators.coreos.com/v1alpha1" {
		r.error("csv/kind", "apiVersion %q", c.APIVersion)
	}
	for _, name := range []string{c.Metadata.Name, c.Spec.Replaces} {
		if problems := slices.Concat(validation.IsDNS1123Subdomain(name), validation.IsValidLabelValue(name)); name != "" && len(problems) > 0 {
			r.error("csv/name", "%q: %v", name, problems)
		}
	}
	if c.Metadata.Name == "" {
		r.error("csv/name", "it has none")
	}
	switch v := c.Spec.MinKubeVersion; {
	case v == "":
		r.warn("csv/min-kube-version", "it has none")
	case !kubernetes.MatchString(v):
		r.error("csv/min-kube-version", "%q", v)
	}
	if len(c.Spec.WebhookDefinitions) > 0 && slices.ContainsFunc(c.Spec.InstallModes, othersThanAll) &&
		slices.ContainsFunc(c.Spec.WebhookDefinitions, func(w olm.Webhook) bool { return w.Type == "ConversionWebhook" }) {
		r.error("csv/conversion", "a conversion webhook is for AllNamespaces alone")
	}
	b.checkModes(r)
	b.checkKeys(r)
	b.checkMandatory(r)
}

func othersThanAll(m olm.InstallMode) bool { return m.Supported && m.Type != "AllNamespaces" }

func (b *bundle) checkModes(r *report) {
	const all = "OwnNamespace SingleNamespace MultiNamespace AllNamespaces"
	seen, supported := map[string]bool{}, 0
	for _, m := range b.csv.Spec.InstallModes {
		if seen[m.Type] || !slices.Contains(strings.Fields(all), m.Type) {
			r.error("csv/install-modes", "%q is listed twice, or is none", m.Type)
		}
		seen[m.Type] = true
		if m.Supported {
			supported++
		}
	}
	if supported == 0 {
		r.error("csv/install-modes", "none is supported")
	}
	if len(seen) != 4 {
		r.warn("csv/install-modes", "%d of %s are listed", len(seen), all)
	}
}

// known are annotations whose case matters, by their lower case.
var known = lower("alm-examples", "capabilities", "categories", "containerImage", "createdAt", "repository", "support", "description",
	"operatorframework.io/suggested-namespace", "operatorframework.io/suggested-namespace-template",
	"operatorframework.io/initialization-resource", "operators.operatorframework.io/internal-objects", "olm.skipRange")

func lower(names ...string) map[string]string {
	all := map[string]string{}
	for _, n := range names {
		all[strings.ToLower(n)] = n
	}
	return all
}

func (b *bundle) checkKeys(r *report) {
	if len(b.csv.Metadata.Annotations) == 0 {
		r.warn("csv/annotations", "it has none")
	}
	for _, key := range slices.Sorted(maps.Keys(b.csv.Metadata.Annotations)) {
		if name := known[strings.ToLower(key)]; name != "" && name != key {
			r.error("csv/annotation-case", "%s is written %s", key, name)
		}
	}
}

func (b *bundle) checkMandatory(r *report) {
	s := &b.csv.Spec
	if s.DisplayName == "" || s.Install.Strategy != "deployment" {
		r.error("csv/mandatory", "displayName %q, install strategy %q", s.DisplayName, s.Install.Strategy)
	}
	for name, missing := range map[string]bool{
		"description": s.Description == "", "keywords": len(s.Keywords) == 0, "maintainers": len(s.Maintainers) == 0,
		"provider": s.Provider.Name == "", "links": len(s.Links) == 0, "icon": len(s.Icon) == 0, "maturity": s.Maturity == "",
	} {
		if missing {
			r.warn("csv/optional", "there is no %s", name)
		}
	}
}

// checkExamples: each is of a kind that the bundle owns, and each kind has one.
func (b *bundle) checkExamples(r *report) {
	owned := b.csv.Spec.CustomResourceDefinitions.Owned
	for _, e := range b.examples {
		is := func(d olm.Definition) bool {
			_, group, _ := strings.Cut(d.Name, ".")
			gvk := e.kind()
			return gvk.Kind == d.Kind && gvk.Version == d.Version && gvk.Group == group
		}
		if !slices.ContainsFunc(owned, is) {
			r.error("csv/example-owned", "%v is not owned", e.kind())
		}
	}
	if len(b.examples) == 0 {
		r.warn("csv/no-examples", "there are none")
	}
	for _, d := range owned {
		if !slices.ContainsFunc(b.examples, func(e example) bool { return e.Kind == d.Kind }) {
			r.warn("csv/example-missing", "%s has none", d.Kind)
		}
	}
}
