package status

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// experimentalChannel is the channel of CRDs that have every field.
const experimentalChannel = "experimental"

// experimentalFeatures are those of kinds of the standard channel that need fields
// which only the CRDs of the experimental one have.
var experimentalFeatures = []features.FeatureName{
	features.SupportGatewayAddressRoutability,
	features.SupportGatewayAddressRoutabilityCluster,
	features.SupportGatewayListenerFilters,
}

// supportedFeatures are what a GatewayClass of ours promises, sorted. A feature
// is here when the whole way from the object to the proxy's answer has it, and
// neither the kind that it begins with nor its field is missing.
func supportedFeatures(crds CRDs) []gatewayv1.SupportedFeature {
	list := []features.FeatureName{
		features.SupportBackendTLSPolicy,
		features.SupportBackendTLSPolicySANValidation,
		features.SupportClusterTrustBundle,
		features.SupportGRPCRoute,
		features.SupportGRPCRouteNamedRouteRule,
		features.SupportGRPCRouteRequestHeaderModifier,
		features.SupportGateway,
		features.SupportGatewayAddressEmpty,
		features.SupportGatewayAddressRoutability,
		features.SupportGatewayAddressRoutabilityCluster,
		features.SupportGatewayBackendClientCertificate,
		features.SupportGatewayFrontendClientCertificateValidation,
		features.SupportGatewayFrontendClientCertificateValidationInsecureFallback,
		features.SupportGatewayHTTPListenerIsolation,
		features.SupportGatewayHTTPSListenerDetectMisdirectedRequests,
		features.SupportGatewayInfrastructure,
		features.SupportGatewayListenerFilters,
		features.SupportGatewayPort8080,
		features.SupportGatewayRouteHostnameIntersectionPrecedence,
		features.SupportGatewayStaticAddresses,
		features.SupportHTTPRoute,
		features.SupportHTTPRoute303RedirectStatusCode,
		features.SupportHTTPRoute307RedirectStatusCode,
		features.SupportHTTPRoute308RedirectStatusCode,
		features.SupportHTTPRouteBackendProtocolH2C,
		features.SupportHTTPRouteBackendProtocolWebSocket,
		features.SupportHTTPRouteBackendRequestHeaderModification,
		features.SupportHTTPRouteBackendTimeout,
		features.SupportHTTPRouteBackendURLRewrite,
		features.SupportHTTPRouteCORS,
		features.SupportHTTPRouteDestinationPortMatching,
		features.SupportHTTPRouteHostRewrite,
		features.SupportHTTPRouteMethodMatching,
		features.SupportHTTPRouteNamedRouteRule,
		features.SupportHTTPRouteParentRefPort,
		features.SupportHTTPRoutePathRedirect,
		features.SupportHTTPRoutePathRewrite,
		features.SupportHTTPRoutePortRedirect,
		features.SupportHTTPRouteQueryParamMatching,
		features.SupportHTTPRouteRequestMirror,
		features.SupportHTTPRouteRequestMultipleMirrors,
		features.SupportHTTPRouteRequestPercentageMirror,
		features.SupportHTTPRouteRequestTimeout,
		features.SupportHTTPRouteResponseHeaderModification,
		features.SupportHTTPRouteRetryCodes,
		features.SupportHTTPRouteRetryConnectionError,
		features.SupportHTTPRouteSchemeRedirect,
		features.SupportListenerSet,
		features.SupportReferenceGrant,
		features.SupportTCPRoute,
		features.SupportTLSRoute,
		features.SupportTLSRouteModeMixed,
		features.SupportTLSRouteModeTerminate,
		features.SupportUDPRoute,
	}
	slices.Sort(list)
	list = slices.DeleteFunc(list, func(name features.FeatureName) bool {
		if crds.Channel != experimentalChannel && slices.Contains(experimentalFeatures, name) {
			return true
		}
		return slices.ContainsFunc(crds.MissingKinds, func(kind string) bool { return strings.HasPrefix(string(name), kind) })
	})
	out := make([]gatewayv1.SupportedFeature, 0, len(list))
	for _, name := range list {
		out = append(out, gatewayv1.SupportedFeature{Name: gatewayv1.FeatureName(name)})
	}
	return out
}
