package parameters

import (
	"fmt"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// Merge puts the layers together, of which nil ones say nothing, and returns what is
// in effect and what is refused, class first.
//
// Objects and maps are merged field by field, lists are replaced as a whole. A field
// that its layer may not set, or whose value is bad by itself or beside what the
// layers come to, is refused: it is as if the layer had not set it. Overlays are not
// looked into. The arguments are not changed, and shared with the result.
func Merge(class, gateway *v1alpha1.GatewayParametersSpec) (Effective, []Refusal) {
	if class == nil && gateway == nil {
		return Effective{}, nil
	}
	m := &merger{base: tree{}}
	var reserved []reservation
	if class != nil {
		reserved = m.reservations(class.Reserved)
		m.layer(LayerClass, class, nil)
	}
	if gateway != nil {
		m.layer(LayerGateway, gateway, append(always(), reserved...))
	}
	m.out.Spec = m.base.spec()
	return m.out, m.refusals
}

// merger has what the layers so far come to.
type merger struct {
	base     tree
	out      Effective
	refusals []Refusal
}

func (m *merger) refuse(layer Layer, field, message string) {
	m.refusals = append(m.refusals, Refusal{Layer: layer, Field: field, Message: message})
}

// layer puts another layer on top. What it says is tried together with what is below
// it, and what makes a problem of that is taken out, until none is left: what is
// below has none.
func (m *merger) layer(layer Layer, spec *v1alpha1.GatewayParametersSpec, reserved []reservation) {
	own := treeOf(spec)
	remove := func(p path, message string) bool {
		removed := own.remove(p)
		if removed {
			m.refuse(layer, p.String(), message)
		}
		return removed
	}
	m.overlays(layer, spec, reserved)
	for _, r := range reserved {
		if r.concerns(own) {
			remove(r.path, r.message)
		}
	}
	for {
		base, overruled := exclude(m.base, own, reserved)
		merged := own.over(base)
		again := false
		for _, problem := range append(overruled, check(merged.spec())...) {
			for _, p := range problem.paths {
				again = remove(p, problem.message) || again
			}
		}
		if !again {
			m.base = merged
			return
		}
	}
}

func (m *merger) overlays(layer Layer, spec *v1alpha1.GatewayParametersSpec, reserved []reservation) {
	if layer == LayerGateway && len(spec.Reserved) > 0 {
		m.refuse(layer, "reserved", "it is read in the parameters of a GatewayClass alone")
	}
	for _, r := range reserved {
		if r.path.covers(at("overlays")) && len(spec.Overlays) > 0 {
			m.refuse(layer, "overlays", r.message)
			return
		}
	}
	for i, overlay := range spec.Overlays {
		m.out.Overlays = append(m.out.Overlays, Overlay{Layer: layer, Index: i, Overlay: overlay})
	}
}

// reservations are those that a class makes.
func (m *merger) reservations(fields []v1alpha1.FieldPath) []reservation {
	var list []reservation
	for i, field := range fields {
		p := at(string(field))
		if !p.exists() {
			m.refuse(LayerClass, fmt.Sprintf("reserved[%d]", i), fmt.Sprintf("spec has no field %s, or it lies within a list", field))
			continue
		}
		list = append(list, reservation{path: p, message: "it is reserved to the GatewayClass"})
	}
	return list
}
