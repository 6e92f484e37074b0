package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the kinds of this package.
var GroupVersion = schema.GroupVersion{Group: "fleetgate.io", Version: "v1alpha1"}

// KindGatewayParameters is the kind that a parametersRef names.
const KindGatewayParameters = "GatewayParameters"

// AddToScheme adds the kinds of this package to a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &GatewayParameters{}, &GatewayParametersList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
