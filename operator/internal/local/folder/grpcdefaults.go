package folder

// grpcRouteDefaults are those of GRPCRoutes.
func grpcRouteDefaults() []fieldDefault {
	return []fieldDefault{
		{"spec.parentRefs[].group", `"gateway.networking.k8s.io"`},
		{"spec.parentRefs[].kind", `"Gateway"`},
		{"spec.rules[].backendRefs[].filters[].requestMirror.backendRef.group", `""`},
		{"spec.rules[].backendRefs[].filters[].requestMirror.backendRef.kind", `"Service"`},
		{"spec.rules[].backendRefs[].filters[].requestMirror.fraction.denominator", `100`},
		{"spec.rules[].backendRefs[].group", `""`},
		{"spec.rules[].backendRefs[].kind", `"Service"`},
		{"spec.rules[].backendRefs[].weight", `1`},
		{"spec.rules[].filters[].requestMirror.backendRef.group", `""`},
		{"spec.rules[].filters[].requestMirror.backendRef.kind", `"Service"`},
		{"spec.rules[].filters[].requestMirror.fraction.denominator", `100`},
		{"spec.rules[].matches[].headers[].type", `"Exact"`},
		{"spec.rules[].matches[].method.type", `"Exact"`},
		{"spec.rules[].sessionPersistence.cookie.lifetimeType", `"Session"`},
		{"spec.rules[].sessionPersistence.cookie.path", `"/"`},
		{"spec.rules[].sessionPersistence.type", `"Cookie"`},
	}
}
