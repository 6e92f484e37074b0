package folder

import (
	"encoding/json"
	"fmt"
	"strings"
)

// fieldDefault is a default of a resource's schema: the value that a field
// gets when its parent is there and the field is not.
type fieldDefault struct {
	// path is the field from the root; a step that ends in "[]" leads to every
	// element of a list, as in "spec.rules[].backendRefs[].weight".
	path string
	// value is JSON.
	value string
}

// The defaults of the Gateway API are copied from the schemas of its release
// by a test that compares them, so that the two cannot drift apart. Those of
// the core kinds are the ones that the pipeline relies on.

func gatewayDefaults() []fieldDefault {
	return []fieldDefault{
		{"spec.addresses[].type", `"IPAddress"`},
		{"spec.allowedListeners.namespaces", `{"from":"None"}`},
		{"spec.allowedListeners.namespaces.from", `"None"`},
		{"spec.listeners[].allowedRoutes", `{"namespaces":{"from":"Same"}}`},
		{"spec.listeners[].allowedRoutes.kinds[].group", `"gateway.networking.k8s.io"`},
		{"spec.listeners[].allowedRoutes.namespaces", `{"from":"Same"}`},
		{"spec.listeners[].allowedRoutes.namespaces.from", `"Same"`},
		{"spec.listeners[].filters.requests[].externalAuth.backendRef.group", `""`},
		{"spec.listeners[].filters.requests[].externalAuth.backendRef.kind", `"Service"`},
		{"spec.listeners[].tls.certificateRefs[].group", `""`},
		{"spec.listeners[].tls.certificateRefs[].kind", `"Secret"`},
		{"spec.listeners[].tls.mode", `"Terminate"`},
		{"spec.tls.backend.clientCertificateRef.group", `""`},
		{"spec.tls.backend.clientCertificateRef.kind", `"Secret"`},
		{"spec.tls.frontend.default.validation.mode", `"AllowValidOnly"`},
		{"spec.tls.frontend.perPort[].tls.validation.mode", `"AllowValidOnly"`},
	}
}

func httpRouteDefaults() []fieldDefault {
	return []fieldDefault{
		{"spec.parentRefs[].group", `"gateway.networking.k8s.io"`},
		{"spec.parentRefs[].kind", `"Gateway"`},
		{"spec.rules", `[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}]}]`},
		{"spec.rules[].backendRefs[].filters[].cors.maxAge", `5`},
		{"spec.rules[].backendRefs[].filters[].externalAuth.backendRef.group", `""`},
		{"spec.rules[].backendRefs[].filters[].externalAuth.backendRef.kind", `"Service"`},
		{"spec.rules[].backendRefs[].filters[].requestMirror.backendRef.group", `""`},
		{"spec.rules[].backendRefs[].filters[].requestMirror.backendRef.kind", `"Service"`},
		{"spec.rules[].backendRefs[].filters[].requestMirror.fraction.denominator", `100`},
		{"spec.rules[].backendRefs[].filters[].requestRedirect.statusCode", `302`},
		{"spec.rules[].backendRefs[].group", `""`},
		{"spec.rules[].backendRefs[].kind", `"Service"`},
		{"spec.rules[].backendRefs[].weight", `1`},
		{"spec.rules[].filters[].cors.maxAge", `5`},
		{"spec.rules[].filters[].externalAuth.backendRef.group", `""`},
		{"spec.rules[].filters[].externalAuth.backendRef.kind", `"Service"`},
		{"spec.rules[].filters[].requestMirror.backendRef.group", `""`},
		{"spec.rules[].filters[].requestMirror.backendRef.kind", `"Service"`},
		{"spec.rules[].filters[].requestMirror.fraction.denominator", `100`},
		{"spec.rules[].filters[].requestRedirect.statusCode", `302`},
		{"spec.rules[].matches", `[{"path":{"type":"PathPrefix","value":"/"}}]`},
		{"spec.rules[].matches[].headers[].type", `"Exact"`},
		{"spec.rules[].matches[].path", `{"type":"PathPrefix","value":"/"}`},
		{"spec.rules[].matches[].path.type", `"PathPrefix"`},
		{"spec.rules[].matches[].path.value", `"/"`},
		{"spec.rules[].matches[].queryParams[].type", `"Exact"`},
		{"spec.rules[].retry.attempts", `1`},
		{"spec.rules[].sessionPersistence.cookie.lifetimeType", `"Session"`},
		{"spec.rules[].sessionPersistence.cookie.path", `"/"`},
		{"spec.rules[].sessionPersistence.type", `"Cookie"`},
	}
}

func serviceDefaults() []fieldDefault {
	return []fieldDefault{
		{"spec.type", `"ClusterIP"`},
		{"spec.ports[].protocol", `"TCP"`},
	}
}

func endpointSliceDefaults() []fieldDefault {
	return []fieldDefault{
		{"ports[].name", `""`},
		{"ports[].protocol", `"TCP"`},
	}
}

func secretDefaults() []fieldDefault {
	return []fieldDefault{{"type", `"Opaque"`}}
}

// setDefaults fills in the fields of doc that are absent or null. A document
// of another shape than the paths expect is left for the decoder to refuse.
func setDefaults(doc map[string]any, defaults []fieldDefault) {
	for _, d := range defaults {
		setDefault(doc, strings.Split(d.path, "."), d.value)
	}
}

func setDefault(parent map[string]any, path []string, value string) {
	name, isList := strings.CutSuffix(path[0], "[]")
	if len(path) == 1 {
		if parent[name] == nil {
			parent[name] = decodeDefault(value)
		}
		return
	}
	if !isList {
		if child, ok := parent[name].(map[string]any); ok {
			setDefault(child, path[1:], value)
		}
		return
	}
	children, _ := parent[name].([]any)
	for _, c := range children {
		if child, ok := c.(map[string]any); ok {
			setDefault(child, path[1:], value)
		}
	}
}

// decodeDefault makes a value of its own for each field, which later defaults
// may fill in further.
func decodeDefault(value string) any {
	var v any
	if err := json.Unmarshal([]byte(value), &v); err != nil {
		panic(fmt.Sprintf("default %s: %v", value, err))
	}
	return v
}
