package graph

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// Class is a GatewayClass of ours.
type Class struct {
	Source   *gatewayv1.GatewayClass
	Problems conditions.Problems
}

// BuildClass validates a GatewayClass by itself, as it has a status even when no
// Gateway uses it. The parameters are those that it names, or nil where they do not
// exist. It returns nil for a class of another controller.
func BuildClass(source *gatewayv1.GatewayClass, named *v1alpha1.GatewayParameters, missingKinds []string, opts Options) *Class {
	if string(source.Spec.ControllerName) != opts.ControllerName {
		return nil
	}
	class := &Class{Source: source}
	ref := source.Spec.ParametersRef
	if ref == nil {
		return class
	}
	const field = "spec.parametersRef"
	refuse := func(format string, args ...any) {
		class.Problems.Add(string(gatewayv1.GatewayClassConditionStatusAccepted), string(gatewayv1.GatewayClassReasonInvalidParameters), format, args...)
	}
	key, complete := store.ClassParameters(source)
	switch {
	case !store.IsParameters(ref.Group, ref.Kind):
		refuse("%s names a %s of group %q, which is not a kind of parameters", field, ref.Kind, ref.Group)
	case !complete:
		refuse("%s names GatewayParameters %q without a namespace", field, ref.Name)
	case named == nil:
		refuse("%s", missingParameters(field, key, missingKinds))
	}
	return class
}

// parametersCRD is the CRD that may be missing.
const parametersCRD = "gatewayparameters.fleetgate.io"

func missingParameters(field string, key types.NamespacedName, missingKinds []string) string {
	text := fmt.Sprintf("%s names GatewayParameters %s, ", field, key)
	if slices.Contains(missingKinds, v1alpha1.KindGatewayParameters) {
		return text + "and the CRD " + parametersCRD + " is not installed"
	}
	return text + "which does not exist"
}

// readParameters puts the layers together. A reference that leads nowhere, or to what
// cannot be read, refuses the Gateway: what its fleet is to be is not known. The fleet
// goes on as it is then, and its proxies with the settings that they have.
func (b *builder) readParameters(g *Gateway) {
	if problem, bad := g.Class.Problems.First(string(gatewayv1.GatewayClassConditionStatusAccepted)); bad {
		g.refuse(gatewayv1.GatewayReasonInvalidParameters,
			"GatewayClass %s is not accepted: %s", g.Class.Source.Name, problem.Message)
	}
	b.checkOwnParameters(g)
	ofClass, own := b.layer(g, parameters.LayerClass, b.in.ClassParameters), b.layer(g, parameters.LayerGateway, b.in.OwnParameters)
	merged, refusals := parameters.Merge(ofClass, own)
	g.Parameters, g.Refusals = merged, append(g.Refusals, refusals...)
	if last := b.in.LastParameters; last != nil && g.unparameterized() {
		g.Parameters.Spec.Proxy, g.Parameters.Spec.Backends = last.Proxy, last.Backends
		g.refuse(gatewayv1.GatewayReasonInvalidParameters, "the proxies keep the settings of the last ones")
	}
}

// unparameterized says whether parameters that are named are not there, or cannot be read.
func (g *Gateway) unparameterized() bool {
	problem, refused := g.Problems.First(string(gatewayv1.GatewayConditionAccepted))
	return refused && problem.Reason == string(gatewayv1.GatewayReasonInvalidParameters)
}

// layer returns what parameters say: nothing where there are none, or they cannot be read.
func (b *builder) layer(g *Gateway, of parameters.Layer, source *v1alpha1.GatewayParameters) *v1alpha1.GatewayParametersSpec {
	if source == nil || b.checkBrokenLayer(g, of, source) {
		return nil
	}
	return &source.Spec
}

func (b *builder) checkOwnParameters(g *Gateway) {
	infrastructure := g.Source.Spec.Infrastructure
	if infrastructure == nil || infrastructure.ParametersRef == nil {
		return
	}
	const field = "spec.infrastructure.parametersRef"
	ref := infrastructure.ParametersRef
	key, known := store.OwnParameters(g.Source)
	switch {
	case !known:
		g.refuse(gatewayv1.GatewayReasonInvalidParameters, "%s names %s %q of group %q, which is not a kind of parameters",
			field, ref.Kind, ref.Name, ref.Group)
	case b.in.OwnParameters == nil:
		g.refuse(gatewayv1.GatewayReasonInvalidParameters, "%s", missingParameters(field, key, b.in.MissingKinds))
	}
}

// Parameterized says whether the Gateway or its class names parameters, and all that
// they name are there.
func (g *Gateway) Parameterized() bool {
	if g.unparameterized() {
		return false
	}
	infrastructure := g.Source.Spec.Infrastructure
	return g.Class.Source.Spec.ParametersRef != nil || infrastructure != nil && infrastructure.ParametersRef != nil
}
