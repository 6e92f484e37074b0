package check

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// removed are API versions that clusters have no more.
var removed = []string{
	"extensions/v1beta1", "apps/v1beta1", "apps/v1beta2", "policy/v1beta1", "batch/v1beta1", "batch/v2alpha1", "autoscaling/v2beta1", "autoscaling/v2beta2",
	"rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1alpha1", "apiextensions.k8s.io/v1beta1", "apiregistration.k8s.io/v1beta1",
	"networking.k8s.io/v1beta1", "admissionregistration.k8s.io/v1beta1", "coordination.k8s.io/v1beta1", "storage.k8s.io/v1beta1",
	"scheduling.k8s.io/v1beta1", "discovery.k8s.io/v1beta1", "events.k8s.io/v1beta1", "node.k8s.io/v1beta1", "certificates.k8s.io/v1beta1",
	"flowcontrol.apiserver.k8s.io/v1beta1", "flowcontrol.apiserver.k8s.io/v1beta2", "flowcontrol.apiserver.k8s.io/v1beta3",
}

// checkPractices is what is good practice, and what is no more.
func (b *bundle) checkPractices(r *report) {
	c := &b.csv
	for _, m := range b.manifests {
		if slices.Contains(removed, m.APIVersion) {
			r.error("alpha-deprecated-apis/removed", "%s is of %s", m.file, m.APIVersion)
		}
	}
	if len(c.Spec.Install.Spec.Deployments) == 0 {
		r.error("good-practices/deployment", "there is none")
	}
	if op, v, ok := strings.Cut(c.Metadata.Name, ".v"); !ok || v != c.Spec.Version || op != b.annotations[annotationPrefix+"bundle.package.v1"] {
		r.warn("good-practices/name", "%s is not the package's name and v%s", c.Metadata.Name, c.Spec.Version)
	}
	for _, d := range slices.Concat(c.Spec.CustomResourceDefinitions.Owned, c.Spec.CustomResourceDefinitions.Required) {
		if d.Description == "" || d.DisplayName == "" {
			r.warn("good-practices/crd-description", "%s", d.Name)
		}
	}
	for _, container := range b.containers() {
		checkContainer(r, &container)
	}
	b.checkPlatforms(r)
}

func checkContainer(r *report, c *corev1.Container) {
	if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() {
		r.warn("good-practices/requests", "%s requests %v", c.Name, c.Resources.Requests)
	}
	if c.LivenessProbe == nil || c.ReadinessProbe == nil {
		r.warn("good-practices/probes", "%s lacks one", c.Name)
	}
}

const archLabel = "operatorframework.io/arch."

// checkPlatforms: without labels a version is offered on amd64 alone, and without
// an affinity its pod may come to a node that it was not built for.
func (b *bundle) checkPlatforms(r *report) {
	var labelled []string
	for key, value := range b.csv.Metadata.Labels {
		if arch, ok := strings.CutPrefix(key, archLabel); ok && value == "supported" {
			labelled = append(labelled, arch)
		}
	}
	slices.Sort(labelled)
	if len(labelled) == 0 || b.csv.Metadata.Labels["operatorframework.io/os.linux"] != "supported" {
		r.warn("multiarch/labels", "%v", b.csv.Metadata.Labels)
	}
	for _, d := range b.csv.Spec.Install.Spec.Deployments {
		if got := architectures(d.Spec.Template.Spec.Affinity); !slices.Equal(got, labelled) {
			r.warn("multiarch/affinity", "%s is for nodes of %v, the labels say %v", d.Name, got, labelled)
		}
	}
}

// architectures are those that a pod's node must have one of.
func architectures(a *corev1.Affinity) []string {
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	var all []string
	for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, e := range term.MatchExpressions {
			if e.Key == corev1.LabelArchStable && e.Operator == corev1.NodeSelectorOpIn {
				all = append(all, e.Values...)
			}
		}
	}
	slices.Sort(all)
	return all
}
