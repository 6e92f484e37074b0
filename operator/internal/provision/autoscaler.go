package provision

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// autoscaled says whether the fleet has an autoscaler of ours.
func (f *fleet) autoscaled() bool {
	return f.running.Autoscaling != nil && !deref(f.running.Autoscaling.Disabled) && f.kind() == v1alpha1.WorkloadDeployment
}

// scale returns the bounds of the autoscaler.
func (f *fleet) scale() (least, most int32) {
	wanted := deref(f.running.Autoscaling)
	least, most = 2, 10
	switch {
	case wanted.MinReplicas != nil:
		least, most = *wanted.MinReplicas, max(most, *wanted.MinReplicas)
	case wanted.MaxReplicas != nil:
		least = min(least, *wanted.MaxReplicas)
	}
	set(&most, wanted.MaxReplicas)
	return least, most
}

func (f *fleet) autoscaler() *autoscalingv2.HorizontalPodAutoscaler {
	least, most := f.scale()
	return &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: autoscalingv2.SchemeGroupVersion.String(), Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: f.meta(f.names.Name()),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: f.names.Name()},
			MinReplicas:    &least,
			MaxReplicas:    most,
			Metrics:        f.scalingMetrics(),
		},
	}
}

// defaultCPUPercent is held where no target is set.
const defaultCPUPercent = 80

func (f *fleet) scalingMetrics() []autoscalingv2.MetricSpec {
	wanted := deref(f.running.Autoscaling)
	if wanted.TargetCPUPercent == nil && wanted.TargetMemoryPercent == nil {
		wanted.TargetCPUPercent = new(int32(defaultCPUPercent))
	}
	var metrics []autoscalingv2.MetricSpec
	for _, target := range []struct {
		of      corev1.ResourceName
		percent *int32
	}{{corev1.ResourceCPU, wanted.TargetCPUPercent}, {corev1.ResourceMemory, wanted.TargetMemoryPercent}} {
		if target.percent == nil {
			continue
		}
		metrics = append(metrics, autoscalingv2.MetricSpec{
			Type: autoscalingv2.ResourceMetricSourceType,
			Resource: &autoscalingv2.ResourceMetricSource{
				Name:   target.of,
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: target.percent},
			},
		})
	}
	return metrics
}
