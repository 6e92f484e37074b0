package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// ConditionParametersAccepted says whether all is in effect that the GatewayParameters
// of a Gateway and of its class ask for. It is not there for a Gateway without any,
// nor for one that is refused for them.
const (
	ConditionParametersAccepted gatewayv1.GatewayConditionType   = "fleetgate.io/ParametersAccepted"
	reasonParametersAccepted    gatewayv1.GatewayConditionReason = v1alpha1.ReasonAccepted
	reasonFieldsRefused         gatewayv1.GatewayConditionReason = v1alpha1.ReasonFieldsRefused
)

// Refusals says of each refused field whose it is and why it has no effect.
func Refusals(gateway *graph.Gateway, refused []parameters.Refusal) []string {
	own, _ := store.OwnParameters(gateway.Source)
	ofClass, _ := store.ClassParameters(gateway.Class.Source)
	texts := make([]string, len(refused))
	for i, r := range refused {
		of := own
		if r.Layer == parameters.LayerClass {
			of = ofClass
		}
		texts[i] = fmt.Sprintf("%s of GatewayParameters %s has no effect: %s", specPath(r.Field), of, r.Message)
	}
	return texts
}

// specPath is where a field is that a refusal names.
func specPath(field string) string { return strings.TrimSuffix("spec."+field, ".") }

func (b *builder) parametersAccepted() metav1.Condition {
	if len(b.observed.Refusals) > 0 {
		return b.gatewayCondition(ConditionParametersAccepted, metav1.ConditionFalse, reasonFieldsRefused,
			conditions.Join(Refusals(b.gateway, b.observed.Refusals)))
	}
	return b.gatewayCondition(ConditionParametersAccepted, metav1.ConditionTrue, reasonParametersAccepted, "All parameters are in effect")
}

// Parameters is the desired status of GatewayParameters.
type Parameters struct {
	Conditions []metav1.Condition
	Attached   int32
	Gateways   []v1alpha1.GatewayUse
}

// ParametersUse is who uses GatewayParameters.
type ParametersUse struct {
	// Classes are how many classes name them.
	Classes int
	// Refused are the fields that no Gateway of these classes gets.
	Refused []v1alpha1.RefusedField
	// Gateways are all that use them, in no order.
	Gateways []v1alpha1.GatewayUse
}

// RefusedFields are what of a layer is refused. A field of a status is bounded, and
// so is its text.
func RefusedFields(refused []parameters.Refusal, layer parameters.Layer) []v1alpha1.RefusedField {
	const maxField, maxText = 256, 256
	var fields []v1alpha1.RefusedField
	for _, r := range refused {
		if r.Layer == layer {
			fields = append(fields, v1alpha1.RefusedField{Field: cut(r.Field, maxField), Message: cut(r.Message, maxText)})
		}
	}
	return fields
}

// cut bounds a text in characters, as schemas count them.
func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

// What the schema of GatewayParameters allows for.
const (
	maxUses    = 64
	maxRefused = 16
)

// BuildParameters returns the status of GatewayParameters. Their use is sorted in
// place.
func BuildParameters(source *v1alpha1.GatewayParameters, use *ParametersUse) Parameters {
	slices.SortFunc(use.Gateways, func(a, b v1alpha1.GatewayUse) int {
		return cmp.Or(refusedFirst(&a, &b), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	out := Parameters{
		Conditions: []metav1.Condition{parametersCondition(source.Generation, use)},
		Attached:   int32(len(use.Gateways)),
		Gateways:   slices.Clone(use.Gateways[:min(maxUses, len(use.Gateways))]),
	}
	for i := range out.Gateways {
		of := &out.Gateways[i]
		of.Refused = of.Refused[:min(maxRefused, len(of.Refused))]
	}
	return out
}

func refusedFirst(a, b *v1alpha1.GatewayUse) int {
	switch {
	case len(a.Refused) > 0 && len(b.Refused) == 0:
		return -1
	case len(a.Refused) == 0 && len(b.Refused) > 0:
		return 1
	}
	return 0
}

func parametersCondition(generation int64, use *ParametersUse) metav1.Condition {
	const typ = v1alpha1.ConditionAccepted
	refused := slices.Clone(use.Refused)
	for i := range use.Gateways {
		refused = append(refused, use.Gateways[i].Refused...)
	}
	switch {
	case use.Classes == 0 && len(use.Gateways) == 0:
		return condition(typ, metav1.ConditionUnknown, v1alpha1.ReasonUnused, "No GatewayClass of Fleetgate and no Gateway names them", generation)
	case len(refused) > 0:
		reason := v1alpha1.ReasonFieldsRefused
		if slices.ContainsFunc(refused, ofAll) {
			reason = v1alpha1.ReasonInternalError
		}
		return condition(typ, metav1.ConditionFalse, reason, conditions.Join(distinct(refused)), generation)
	}
	return condition(typ, metav1.ConditionTrue, v1alpha1.ReasonAccepted, "All fields are in effect", generation)
}

// ofAll says whether it is all of spec that has no effect, as the operator cannot read it.
func ofAll(r v1alpha1.RefusedField) bool { return r.Field == "" }

// distinct says each thing once, in an order that does not depend on that of the
// Gateways.
func distinct(refused []v1alpha1.RefusedField) []string {
	texts := make([]string, len(refused))
	for i, r := range refused {
		texts[i] = fmt.Sprintf("%s has no effect: %s", specPath(r.Field), r.Message)
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// MergeParameters brings want into the status that GatewayParameters have, as
// MergeGateway does.
func MergeParameters(live v1alpha1.GatewayParametersStatus, want *Parameters, at conditions.Moment) (v1alpha1.GatewayParametersStatus, bool) {
	merged := live
	merged.Conditions, _ = conditions.Merge(live.Conditions, want.Conditions, []string{v1alpha1.ConditionAccepted}, at)
	merged.AttachedGateways, merged.Gateways = want.Attached, want.Gateways
	return merged, !equality.Semantic.DeepEqual(live, merged)
}

// Reported returns what a status says of a Gateway.
func Reported(live *v1alpha1.GatewayParametersStatus, gateway types.NamespacedName) []v1alpha1.RefusedField {
	for i := range live.Gateways {
		if use := &live.Gateways[i]; use.Namespace == gateway.Namespace && use.Name == gateway.Name {
			return use.Refused
		}
	}
	return nil
}
