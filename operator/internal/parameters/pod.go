package parameters

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/names"
)

func (c *checker) pod(p *v1alpha1.PodParameters) {
	c.labels("pod.labels", p.Labels)
	c.annotations("pod.annotations", p.Annotations)
	for _, key := range slices.Sorted(maps.Keys(p.NodeSelector)) {
		c.label("pod.nodeSelector", key, p.NodeSelector[key])
	}
	if p.PriorityClassName != nil {
		c.all("pod.priorityClassName", validation.IsDNS1123Subdomain(*p.PriorityClassName))
	}
}

// labels holds labels to the rules of Kubernetes, and to ours: those by which a fleet
// is known are Fleetgate's own.
func (c *checker) labels(field string, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if ours(key) {
			c.bad("the label is Fleetgate's own", at(field).key(key))
			continue
		}
		c.label(field, key, labels[key])
	}
}

func (c *checker) label(field, key, value string) {
	wrong := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...)
	if len(wrong) > 0 {
		c.bad(strings.Join(wrong, "; "), at(field).key(key))
	}
}

func (c *checker) annotations(field string, annotations map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if wrong := validation.IsQualifiedName(strings.ToLower(key)); ours(key) {
			c.bad("the annotation is Fleetgate's own", at(field).key(key))
		} else if len(wrong) > 0 {
			c.bad(strings.Join(wrong, "; "), at(field).key(key))
		}
	}
}

// ours says whether labels and annotations of the key are the operator's.
func ours(key string) bool {
	switch key {
	case names.LabelName, names.LabelManagedBy, names.LabelComponent:
		return true
	}
	domain, _, _ := strings.Cut(key, "/")
	return domain == v1alpha1.GroupVersion.Group || strings.HasSuffix(domain, "."+v1alpha1.GroupVersion.Group) ||
		domain == "gateway.networking.k8s.io"
}

func (c *checker) all(field string, wrong []string) {
	if len(wrong) > 0 {
		c.bad(strings.Join(wrong, "; "), at(field))
	}
}

// resources holds the requests of a container below its limits. Claims would need
// more of the pod than there is.
func (c *checker) resources(field string, r *corev1.ResourceRequirements) {
	if r == nil {
		return
	}
	if len(r.Claims) > 0 {
		c.bad("the pods have no resource claims", at(field+".claims"))
	}
	c.quantities(field+".requests", r.Requests)
	c.quantities(field+".limits", r.Limits)
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		request := r.Requests[name]
		if limit, limited := r.Limits[name]; limited && request.Cmp(limit) > 0 {
			c.bad(fmt.Sprintf("the request of %s, %s, is more than the limit of %s", name, request.String(), limit.String()),
				at(field+".requests").key(string(name)), at(field+".limits").key(string(name)))
		}
	}
}

func (c *checker) quantities(field string, list corev1.ResourceList) {
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if q := list[name]; q.Sign() < 0 {
			c.bad(fmt.Sprintf("%s is less than 0", q.String()), at(field).key(string(name)))
		}
	}
}
