package proxyconfig

import (
	"encoding/json"
	"reflect"
	"strings"
)

// countUnknown counts the members in data that the type of v has no field for.
// An unknown member counts once, whatever it holds.
func countUnknown(data []byte, v any) int {
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		return 0
	}
	return unknownIn(tree, reflect.TypeOf(v))
}

func unknownIn(tree any, t reflect.Type) int {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	n := 0
	switch tree := tree.(type) {
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return 0
		}
		fields := fieldsOf(t)
		for name, child := range tree {
			if field, ok := fields[name]; ok {
				n += unknownIn(child, field)
			} else {
				n++
			}
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return 0
		}
		for _, child := range tree {
			n += unknownIn(child, t.Elem())
		}
	}
	return n
}

// fieldsOf maps the JSON names of a struct's fields to their types.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type, t.NumField())
	for field := range t.Fields() {
		if !field.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = field.Type
	}
	return fields
}
