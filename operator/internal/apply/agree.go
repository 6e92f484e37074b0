package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
)

// project returns what live has in the places of desired: the part of the
// object that we set, as it is now. Where an API server left all fields alone
// the result equals desired.
//
// Lists of objects that name themselves are compared by name, so that a
// container or an environment variable that someone else injected does not
// count. All other lists are ours as a whole.
func project(desired, live any) any {
	switch desired := desired.(type) {
	case map[string]any:
		return projectMap(desired, live)
	case []any:
		if key := identity(desired); key != "" {
			return projectNamed(desired, live, key)
		}
		return projectList(desired, live)
	default:
		return live
	}
}

func projectMap(desired map[string]any, live any) any {
	have, ok := live.(map[string]any)
	if !ok {
		return live
	}
	out := make(map[string]any, len(desired))
	for key, value := range desired {
		if liveValue, found := have[key]; found {
			out[key] = project(value, liveValue)
		}
	}
	return out
}

func projectNamed(desired []any, live any, key string) any {
	have, ok := live.([]any)
	if !ok {
		return live
	}
	out := make([]any, 0, len(desired))
	for _, want := range desired {
		if item := named(have, key, want.(map[string]any)[key]); item != nil {
			out = append(out, project(want, item))
		}
	}
	return out
}

func projectList(desired []any, live any) any {
	have, ok := live.([]any)
	if !ok || len(have) != len(desired) {
		return live
	}
	out := make([]any, len(desired))
	for i := range desired {
		out[i] = project(desired[i], have[i])
	}
	return out
}

// identity returns the field that tells the items of a list apart, as the API's
// list-map keys do for the kinds that we write, or "".
func identity(items []any) string {
	for _, key := range []string{"mountPath", "name"} {
		if distinct(items, key) {
			return key
		}
	}
	return ""
}

func distinct(items []any, key string) bool {
	seen := make(map[any]struct{}, len(items))
	for _, item := range items {
		fields, ok := item.(map[string]any)
		if !ok {
			return false
		}
		value, ok := fields[key].(string)
		if _, dup := seen[value]; !ok || dup {
			return false
		}
		seen[value] = struct{}{}
	}
	return len(items) > 0
}

func named(items []any, key string, value any) any {
	for _, item := range items {
		if fields, ok := item.(map[string]any); ok && fields[key] == value {
			return item
		}
	}
	return nil
}

// agrees says whether live still has everything that desired sets: whether what project
// returns equals desired, without making it.
func agrees(desired, live any) bool {
	switch desired := desired.(type) {
	case map[string]any:
		return agreesMap(desired, live)
	case []any:
		return agreesList(desired, live)
	default:
		return reflect.DeepEqual(desired, live)
	}
}

func agreesMap(desired map[string]any, live any) bool {
	have, ok := live.(map[string]any)
	if !ok {
		return false
	}
	for key, value := range desired {
		if liveValue, found := have[key]; !found || !agrees(value, liveValue) {
			return false
		}
	}
	return true
}

func agreesList(desired []any, live any) bool {
	have, ok := live.([]any)
	key := identity(desired)
	if !ok || key == "" && len(have) != len(desired) {
		return false
	}
	for i, want := range desired {
		var item any
		if key == "" {
			item = have[i]
		} else if item = named(have, key, want.(map[string]any)[key]); item == nil {
			return false
		}
		if !agrees(want, item) {
			return false
		}
	}
	return true
}

// digest is the hex SHA-256 of the JSON of a value that was decoded from JSON.
func digest(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		// Maps, slices, strings, numbers and booleans always encode.
		panic("apply: encoding an object: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
