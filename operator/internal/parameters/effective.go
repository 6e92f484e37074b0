package parameters

import (
	"fmt"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// Layer is where a setting comes from.
type Layer string

// The layers; what a Gateway says comes before what its class says.
const (
	LayerClass   Layer = "GatewayClass"
	LayerGateway Layer = "Gateway"
)

// Effective are the parameters of one Gateway after its layers were put together.
// The zero value leaves everything to the defaults.
type Effective struct {
	// Spec has what a layer sets, and nil where none does. It has no overlays.
	Spec v1alpha1.GatewayParametersSpec
	// Overlays are those of all layers in the order in which they are applied.
	Overlays []Overlay
}

// Overlay is an overlay with its origin.
type Overlay struct {
	Layer Layer
	// Index is the overlay's in its layer's list.
	Index int
	v1alpha1.Overlay
}

// Field is the overlay's path from spec on.
func (o *Overlay) Field() string { return fmt.Sprintf("overlays[%d]", o.Index) }

// Refusal is a field of a layer that has no effect, and why.
type Refusal struct {
	Layer Layer
	// Field is its path from spec on; empty for all of spec.
	Field   string
	Message string
}
