package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GatewayParameters say what the fleet of a Gateway is to be: how many proxies of
// which size, how they are exposed and watched, and how they treat traffic.
//
// A GatewayClass names them in spec.parametersRef for all of its Gateways, a Gateway
// in spec.infrastructure.parametersRef for itself. What the Gateway's say comes
// before what the class's say, and that before the built-in defaults, field by field:
// objects and maps are merged, lists are replaced as a whole.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=gatewayparameters,singular=gatewayparameters,shortName=gwparams,categories=gateway-api
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Gateways",type=integer,JSONPath=`.status.attachedGateways`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GatewayParameters struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is asked for.
	// +optional
	Spec GatewayParametersSpec `json:"spec,omitempty"`
	// status is what became of it.
	// +optional
	Status GatewayParametersStatus `json:"status,omitempty"`
}

// GatewayParametersList is a list of GatewayParameters.
//
// +kubebuilder:object:root=true
type GatewayParametersList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []GatewayParameters `json:"items"`
}

// GatewayParametersSpec is one layer of settings. Every field is optional: what is
// absent is left to the layer below.
type GatewayParametersSpec struct {
	// reserved are the fields that the Gateways of a class may not set, by their
	// paths within spec, such as "workload.replicas" or "service" for all below it.
	// It is read in the parameters of a GatewayClass alone. Images, the capabilities
	// of the sensor and its access to the node are reserved always.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Reserved []FieldPath `json:"reserved,omitempty"`
	// workload is what runs the proxies, and how many of them.
	// +optional
	Workload *WorkloadParameters `json:"workload,omitempty"`
	// pod is where and how the proxies' pods run.
	// +optional
	Pod *PodParameters `json:"pod,omitempty"`
	// proxy are the settings of each proxy.
	// +optional
	Proxy *ProxyParameters `json:"proxy,omitempty"`
	// sensor are the settings of the sensor beside each proxy.
	// +optional
	Sensor *SensorParameters `json:"sensor,omitempty"`
	// backends is how proxies share requests among the endpoints of each backend, and
	// what protects both sides.
	// +optional
	Backends *BackendParameters `json:"backends,omitempty"`
	// service is how clients reach the proxies.
	// +optional
	Service *ServiceParameters `json:"service,omitempty"`
	// monitoring is how Prometheus finds the proxies.
	// +optional
	Monitoring *MonitoringParameters `json:"monitoring,omitempty"`
	// overlays change the fleet's objects in what no other field does. Those of the
	// class are applied first, then those of the Gateway, each list in its order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Overlays []Overlay `json:"overlays,omitempty"`
}

// FieldPath is the path of a field within spec, its names joined by dots.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:Pattern=`^[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*$`
type FieldPath string
