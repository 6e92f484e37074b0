package apply

// overlay returns live with everything that desired sets put over it.
//
// It is what remains where a server-side apply cannot repair a change: the
// API's list-map keys are not always names. A Service's port whose number was
// changed by somebody is, to the API server, their item beside ours, with the
// same name. Overlay tells items apart as project does, and drops the double.
func overlay(desired, live any) any {
	switch desired := desired.(type) {
	case map[string]any:
		return overlayMap(desired, live)
	case []any:
		if key := identity(desired); key != "" {
			return overlayNamed(desired, live, key)
		}
		return desired
	default:
		return desired
	}
}

func overlayMap(desired map[string]any, live any) any {
	have, _ := live.(map[string]any)
	out := make(map[string]any, len(desired)+len(have))
	for key, value := range have {
		out[key] = value
	}
	for key, value := range desired {
		out[key] = overlay(value, have[key])
	}
	return out
}

func overlayNamed(desired []any, live any, key string) any {
	have, _ := live.([]any)
	out := make([]any, 0, len(desired)+len(have))
	for _, want := range desired {
		out = append(out, overlay(want, named(have, key, want.(map[string]any)[key])))
	}
	for _, item := range have {
		fields, ok := item.(map[string]any)
		if ok && fields[key] != nil && named(desired, key, fields[key]) == nil {
			out = append(out, item)
		}
	}
	return out
}
