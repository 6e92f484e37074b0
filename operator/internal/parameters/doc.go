// Package parameters turns the GatewayParameters of a GatewayClass and of a Gateway
// into the ones that are in effect, and says what of them is refused.
package parameters
