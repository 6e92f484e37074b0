package folder

// l4RouteDefaults are those of all kinds of routes below HTTP.
func l4RouteDefaults() []fieldDefault {
	return []fieldDefault{
		{"spec.parentRefs[].group", `"gateway.networking.k8s.io"`},
		{"spec.parentRefs[].kind", `"Gateway"`},
		{"spec.rules[].backendRefs[].group", `""`},
		{"spec.rules[].backendRefs[].kind", `"Service"`},
		{"spec.rules[].backendRefs[].weight", `1`},
	}
}

// listenerSetDefaults are those of the listeners of Gateways, and of the parent.
func listenerSetDefaults() []fieldDefault {
	return []fieldDefault{
		{"spec.listeners[].allowedRoutes", `{"namespaces":{"from":"Same"}}`},
		{"spec.listeners[].allowedRoutes.kinds[].group", `"gateway.networking.k8s.io"`},
		{"spec.listeners[].allowedRoutes.namespaces", `{"from":"Same"}`},
		{"spec.listeners[].allowedRoutes.namespaces.from", `"Same"`},
		{"spec.listeners[].filters.requests[].externalAuth.backendRef.group", `""`},
		{"spec.listeners[].filters.requests[].externalAuth.backendRef.kind", `"Service"`},
		{"spec.listeners[].tls.certificateRefs[].group", `""`},
		{"spec.listeners[].tls.certificateRefs[].kind", `"Secret"`},
		{"spec.listeners[].tls.mode", `"Terminate"`},
		{"spec.parentRef.group", `"gateway.networking.k8s.io"`},
		{"spec.parentRef.kind", `"Gateway"`},
	}
}
