package folder

import "strings"

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
	var all []fieldDefault
	for _, d := range gatewayDefaults() {
		if strings.HasPrefix(d.path, "spec.listeners[].") {
			all = append(all, d)
		}
	}
	return append(all,
		fieldDefault{"spec.parentRef.group", `"gateway.networking.k8s.io"`},
		fieldDefault{"spec.parentRef.kind", `"Gateway"`})
}
