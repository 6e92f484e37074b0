// Package v1alpha1 holds Fleetgate's own kinds of objects: GatewayParameters, by
// which a GatewayClass and a Gateway say what their fleet of proxies is to be.
//
// +kubebuilder:object:generate=true
// +groupName=fleetgate.io
package v1alpha1
