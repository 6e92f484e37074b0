package store

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// ByParameters finds GatewayClasses and Gateways by the GatewayParameters that they
// name.
const ByParameters = "fleetgate.parameters"

// IsParameters says whether a reference of the group and kind is to
// GatewayParameters.
func IsParameters(group gatewayv1.Group, kind gatewayv1.Kind) bool {
	return string(group) == v1alpha1.GroupVersion.Group && kind == v1alpha1.KindGatewayParameters
}

// ClassParameters returns the GatewayParameters that the class names, and false
// where it names none, or none in a namespace.
func ClassParameters(class *gatewayv1.GatewayClass) (types.NamespacedName, bool) {
	ref := class.Spec.ParametersRef
	if ref == nil || !IsParameters(ref.Group, ref.Kind) || ref.Namespace == nil {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: string(*ref.Namespace), Name: ref.Name}, true
}

// OwnParameters returns the GatewayParameters that the Gateway itself names, and
// false where it names none.
func OwnParameters(gateway *gatewayv1.Gateway) (types.NamespacedName, bool) {
	infrastructure := gateway.Spec.Infrastructure
	if infrastructure == nil || infrastructure.ParametersRef == nil {
		return types.NamespacedName{}, false
	}
	ref := infrastructure.ParametersRef
	return types.NamespacedName{Namespace: gateway.Namespace, Name: ref.Name}, IsParameters(ref.Group, ref.Kind)
}

// ReadClassParameters returns what ClassParameters names, or nil where that does not
// exist.
func ReadClassParameters(ctx context.Context, r client.Reader, class *gatewayv1.GatewayClass) (*v1alpha1.GatewayParameters, error) {
	key, named := ClassParameters(class)
	if !named {
		return nil, nil
	}
	return get(ctx, r, key, &v1alpha1.GatewayParameters{})
}

// ClassesWith returns the GatewayClasses that name the GatewayParameters, whoever's
// they are.
func ClassesWith(ctx context.Context, r client.Reader, parameters types.NamespacedName) ([]gatewayv1.GatewayClass, error) {
	var list gatewayv1.GatewayClassList
	if err := r.List(ctx, &list, client.MatchingFields{ByParameters: parameters.String()}); err != nil {
		return nil, fmt.Errorf("listing GatewayClasses: %w", err)
	}
	return list.Items, nil
}

func parametersIndexes() []Index {
	return []Index{
		{&gatewayv1.GatewayClass{}, ByParameters, func(obj client.Object) []string {
			return valueIf(ClassParameters(obj.(*gatewayv1.GatewayClass)))
		}},
		{&gatewayv1.Gateway{}, ByParameters, func(obj client.Object) []string {
			return valueIf(OwnParameters(obj.(*gatewayv1.Gateway)))
		}},
	}
}

func valueIf(key types.NamespacedName, named bool) []string {
	if !named {
		return nil
	}
	return []string{key.String()}
}

func (c *collector) parameters() {
	if key, named := ClassParameters(c.out.Class); named {
		c.out.ClassParameters = find(c, key, &v1alpha1.GatewayParameters{})
	}
	if key, named := OwnParameters(c.out.Gateway); named {
		c.out.OwnParameters = find(c, key, &v1alpha1.GatewayParameters{})
	}
}

// layers are the parameters of the class and of the Gateway.
func (r *Resources) layers() map[types.NamespacedName]*v1alpha1.GatewayParameters {
	layers := make(map[types.NamespacedName]*v1alpha1.GatewayParameters)
	for _, source := range []*v1alpha1.GatewayParameters{r.ClassParameters, r.OwnParameters} {
		if source != nil {
			layers[client.ObjectKeyFromObject(source)] = source
		}
	}
	return layers
}

// withParameters returns the Gateways that the GatewayParameters are for: those that
// name them, and those of the classes that do.
func withParameters(ctx context.Context, r client.Reader, parameters types.NamespacedName) ([]types.NamespacedName, error) {
	keys, err := gateways(ctx, r, client.MatchingFields{ByParameters: parameters.String()})
	if err != nil {
		return nil, err
	}
	classes, err := ClassesWith(ctx, r, parameters)
	for i := range classes {
		byClass, classErr := gateways(ctx, r, client.MatchingFields{GatewayByClass: classes[i].Name})
		if classErr != nil {
			return nil, classErr
		}
		keys = merge(keys, byClass)
	}
	return keys, err
}
