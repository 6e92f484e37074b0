package parameters

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
)

// path leads to a field from spec on, or to a key of a map below it.
type path []string

// at returns the path of a field whose names are joined by dots.
func at(field string) path { return strings.Split(field, ".") }

// key returns the path of a key of the map at p.
func (p path) key(key string) path { return append(slices.Clone(p), key) }

// plain are the steps that are written with a dot.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)

// String writes the path as people know it: pod.labels[example.com/team].
func (p path) String() string {
	var out strings.Builder
	for i, step := range p {
		switch {
		case !plain.MatchString(step):
			out.WriteString("[" + step + "]")
		case i > 0:
			out.WriteString("." + step)
		default:
			out.WriteString(step)
		}
	}
	return out.String()
}

// covers says whether what lies at q lies at or below p.
func (p path) covers(q path) bool { return len(p) <= len(q) && slices.Equal(p, q[:len(p)]) }

// exists says whether the spec has the field. Below a map every key exists, below a
// list nothing does: lists are replaced as a whole.
func (p path) exists() bool {
	typ := reflect.TypeFor[v1alpha1.GatewayParametersSpec]()
	for _, step := range p {
		if typ = below(typ, step); typ == nil {
			return false
		}
	}
	return true
}

// below returns the type of a field or of a key's value, or nil.
func below(typ reflect.Type, step string) reflect.Type {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch typ.Kind() {
	case reflect.Map:
		return typ.Elem()
	case reflect.Struct:
		for field := range typ.Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == step {
				return field.Type
			}
		}
	}
	return nil
}
