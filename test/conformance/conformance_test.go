package conformance

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

// TestConformance runs the suite with its own flags, which `make conformance`
// sets. Features are inferred from the status of the GatewayClass.
func TestConformance(t *testing.T) {
	conformance.RunConformance(t)
}
