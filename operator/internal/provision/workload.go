package provision

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// kind is what runs the pods.
func (f *fleet) kind() v1alpha1.WorkloadKind {
	if deref(f.running.Kind) == v1alpha1.WorkloadDaemonSet {
		return v1alpha1.WorkloadDaemonSet
	}
	return v1alpha1.WorkloadDeployment
}

func (f *fleet) workload() client.Object {
	if f.kind() == v1alpha1.WorkloadDaemonSet {
		return f.daemonSet()
	}
	return f.deployment()
}

func (f *fleet) deployment() *appsv1.Deployment {
	replicas, decides := f.replicas()
	surge, unavailable := f.pace()
	deployment := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment"},
		ObjectMeta: f.meta(f.names.Name()),
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: f.selector()},
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxSurge:       &surge,
					MaxUnavailable: &unavailable,
				},
			},
			Template: f.template(),
		},
	}
	deployment.Annotations = over(deployment.Annotations, map[string]string{names.ReplicasAnnotation: decides})
	return deployment
}

// replicas is the number of proxies, and who decides on it. Under an autoscaler it is
// what the fleet begins with.
func (f *fleet) replicas() (number int32, decides string) {
	number = f.settings.Replicas
	if f.running.Replicas != nil {
		number = *f.running.Replicas
	}
	if !f.autoscaled() {
		return number, strconv.Itoa(int(number))
	}
	least, most := f.scale()
	return max(least, min(number, most)), names.ReplicasAutoscaled
}

// pace is how many proxies there may be beyond those wanted, and how many may be
// missing. By default a proxy goes only after its successor is ready.
func (f *fleet) pace() (surge, unavailable intstr.IntOrString) {
	surge, unavailable = intstr.FromInt32(1), intstr.FromInt32(0)
	wanted := deref(f.running.UpdateStrategy)
	switch {
	case wanted.MaxSurge != nil && wanted.MaxUnavailable == nil && isZero(*wanted.MaxSurge):
		unavailable = intstr.FromInt32(1)
	case f.kind() == v1alpha1.WorkloadDaemonSet && wanted.MaxSurge == nil && wanted.MaxUnavailable != nil && !isZero(*wanted.MaxUnavailable):
		// A DaemonSet takes one of the two.
		surge = intstr.FromInt32(0)
	}
	set(&surge, wanted.MaxSurge)
	set(&unavailable, wanted.MaxUnavailable)
	return surge, unavailable
}

func isZero(number intstr.IntOrString) bool {
	return number.Type == intstr.Int && number.IntVal == 0 || number.Type == intstr.String && number.StrVal == "0%"
}

func (f *fleet) daemonSet() *appsv1.DaemonSet {
	surge, unavailable := f.pace()
	return &appsv1.DaemonSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "DaemonSet"},
		ObjectMeta: f.meta(f.names.Name()),
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: f.selector()},
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{
				Type: appsv1.RollingUpdateDaemonSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDaemonSet{
					MaxSurge:       &surge,
					MaxUnavailable: &unavailable,
				},
			},
			Template: f.template(),
		},
	}
}

// Workload returns the one that runs the pods, of the objects of a fleet, or nil.
func Workload(objects []client.Object) client.Object {
	for _, object := range objects {
		switch object.(type) {
		case *appsv1.Deployment, *appsv1.DaemonSet:
			return object
		}
	}
	return nil
}

// Annotate sets an annotation of the workload of a fleet, if there is one.
func Annotate(objects []client.Object, key, text string) {
	if workload := Workload(objects); workload != nil {
		workload.SetAnnotations(over(workload.GetAnnotations(), map[string]string{key: text}))
	}
}
