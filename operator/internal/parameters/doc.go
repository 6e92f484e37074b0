// Package parameters turns the GatewayParameters of a GatewayClass and of a Gateway
// into the ones that are in effect, and says what of them is refused.
//
// Layers are merged as trees of JSON, so that a new field of the API needs no code
// here, and judged as typed specs. One rule covers fields that a layer may not set,
// values that are bad, and values that do not go together with those of the layers
// below: what a layer is refused is as if it had not said it.
//
// The package is pure: it knows of neither clients nor objects, and the specs that it
// reads are not changed.
package parameters
