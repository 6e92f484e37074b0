package parameters

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

func (c *checker) workload(w *v1alpha1.WorkloadParameters) {
	if valueOr(w.Kind, v1alpha1.WorkloadDeployment) == v1alpha1.WorkloadDaemonSet {
		const message = "the fleet is a DaemonSet, which has one proxy on each node"
		if w.Replicas != nil {
			c.bad(message, at("workload.replicas"))
		}
		if w.Autoscaling != nil && !valueOr(w.Autoscaling.Disabled, false) {
			c.bad(message, at("workload.autoscaling"))
		}
		c.daemonBudget(w.DisruptionBudget)
	}
	if w.Autoscaling != nil {
		c.autoscaling(w.Autoscaling)
	}
	if s := w.UpdateStrategy; s != nil && isZero(s.MaxSurge, 1) && isZero(s.MaxUnavailable, 0) {
		c.bad("no pod could be replaced: maxSurge and maxUnavailable are both 0",
			at("workload.updateStrategy.maxSurge"), at("workload.updateStrategy.maxUnavailable"))
	}
	if b := w.DisruptionBudget; b != nil && b.MinAvailable != nil && b.MaxUnavailable != nil {
		c.bad("minAvailable and maxUnavailable exclude each other",
			at("workload.disruptionBudget.minAvailable"), at("workload.disruptionBudget.maxUnavailable"))
	}
}

// daemonBudget refuses what Kubernetes cannot work with: a DaemonSet cannot be scaled,
// so that there is no number of its pods that a share or a loss would be of.
func (c *checker) daemonBudget(b *v1alpha1.DisruptionBudget) {
	if b == nil || valueOr(b.Disabled, false) {
		return
	}
	const message = "the budget of a DaemonSet is minAvailable as a whole number, and there is none without it"
	if b.MinAvailable != nil && b.MinAvailable.Type != intstr.Int {
		c.bad(message, at("workload.disruptionBudget.minAvailable"))
	}
	if b.MaxUnavailable != nil {
		c.bad(message, at("workload.disruptionBudget.maxUnavailable"))
	}
}

// The defaults of autoscaling.
const (
	defaultMinReplicas = 2
	defaultMaxReplicas = 10
)

func (c *checker) autoscaling(a *v1alpha1.Autoscaling) {
	least := valueOr(a.MinReplicas, defaultMinReplicas)
	most := valueOr(a.MaxReplicas, max(defaultMaxReplicas, least))
	if least > most {
		c.bad(fmt.Sprintf("minReplicas %d is more than maxReplicas %d", least, most),
			at("workload.autoscaling.minReplicas"), at("workload.autoscaling.maxReplicas"))
	}
}

func isZero(value *intstr.IntOrString, fallback int) bool {
	v := valueOr(value, intstr.FromInt(fallback))
	return v.String() == "0" || v.String() == "0%"
}
