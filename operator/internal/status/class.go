package status

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// Class is the desired status of a GatewayClass.
type Class struct {
	Name       string
	Generation int64
	Conditions []metav1.Condition
	// SupportedFeatures are sorted.
	SupportedFeatures []gatewayv1.SupportedFeature
}

// CRDs are what the cluster has of the Gateway API.
type CRDs struct {
	// Version and Channel are what the CRD of Gateways is annotated with.
	Version, Channel string
	// MissingKinds are the names of the kinds that the cluster lacks.
	MissingKinds []string
}

// BuildClass returns the status of a GatewayClass of ours. Another version than
// ours is served as well as it can be: the class stays accepted. What belongs to a
// kind or to a field that the cluster lacks is not among the supported features.
func BuildClass(class *graph.Class, crds CRDs) Class {
	generation := class.Source.Generation
	return Class{
		Name:              class.Source.Name,
		Generation:        generation,
		Conditions:        []metav1.Condition{classAccepted(class), supportedVersion(crds.Version, generation)},
		SupportedFeatures: supportedFeatures(crds),
	}
}

func classAccepted(class *graph.Class) metav1.Condition {
	const typ = gatewayv1.GatewayClassConditionStatusAccepted
	generation := class.Source.Generation
	if problem, bad := class.Problems.First(string(typ)); bad {
		return condition(typ, metav1.ConditionFalse, problem.Reason, class.Problems.Message(string(typ)), generation)
	}
	return condition(typ, metav1.ConditionTrue, gatewayv1.GatewayClassReasonAccepted, "The class is accepted", generation)
}

func supportedVersion(version string, generation int64) metav1.Condition {
	const typ = gatewayv1.GatewayClassConditionStatusSupportedVersion
	ours := minor(consts.BundleVersion)
	if minor(version) == ours {
		return condition(typ, metav1.ConditionTrue, gatewayv1.GatewayClassReasonSupportedVersion,
			fmt.Sprintf("The CRDs are of Gateway API %s", version), generation)
	}
	return condition(typ, metav1.ConditionFalse, gatewayv1.GatewayClassReasonUnsupportedVersion,
		fmt.Sprintf("The CRDs are of Gateway API %q; %s is supported, others are served as far as they agree", version, ours),
		generation)
}

// minor cuts a version such as "v1.7.0" after its second number.
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 3 {
		return version
	}
	return parts[0] + "." + parts[1]
}
