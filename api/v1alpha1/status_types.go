package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The condition of GatewayParameters.
const (
	// ConditionAccepted says whether all that the parameters ask for was granted.
	ConditionAccepted = "Accepted"
	// ReasonAccepted is that it was.
	ReasonAccepted = "Accepted"
	// ReasonFieldsRefused is that something was refused, to some Gateway at least;
	// the rest is in effect.
	ReasonFieldsRefused = "FieldsRefused"
	// ReasonInternalError is that the operator has a defect with the parameters: none of
	// their fields has an effect, and the fleets that use them stay as they are.
	ReasonInternalError = "InternalError"
	// ReasonUnused is that no GatewayClass of Fleetgate and no Gateway names them.
	ReasonUnused = "Unused"
)

// GatewayParametersStatus is what became of parameters.
type GatewayParametersStatus struct {
	// conditions are Accepted alone.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// attachedGateways is the number of Gateways that use the parameters, by their
	// class or by themselves.
	// +optional
	AttachedGateways int32 `json:"attachedGateways,omitempty"`
	// gateways are those Gateways, the first 64 of them by namespace and name; those
	// to which something was refused come first.
	// +optional
	// +listType=map
	// +listMapKey=namespace
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Gateways []GatewayUse `json:"gateways,omitempty"`
}

// GatewayUse is what became of parameters in one Gateway.
type GatewayUse struct {
	// namespace is that of the Gateway.
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`
	// name is that of the Gateway.
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// refused are the fields that have no effect in it.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Refused []RefusedField `json:"refused,omitempty"`
}

// RefusedField is a field that has no effect.
type RefusedField struct {
	// field is its path, from spec on; empty for all of spec.
	// +kubebuilder:validation:MaxLength=256
	Field string `json:"field"`
	// message says why.
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message"`
}
