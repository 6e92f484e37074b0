package check

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// Upgrade returns what keeps objects of the old CRD from living on under the new
// one; OLM v1 refuses to install it then. A looser bound, a new version, a new
// optional field and a new value of an enumeration are no problems.
func Upgrade(older, newer *apiextensionsv1.CustomResourceDefinition) []Problem {
	r := &report{}
	if older.Spec.Scope != newer.Spec.Scope {
		r.error("upgrade/scope", "%s becomes %s", older.Spec.Scope, newer.Spec.Scope)
	}
	for i := range older.Spec.Versions {
		before := &older.Spec.Versions[i]
		after := version(newer, before.Name)
		switch {
		case after == nil && before.Storage:
			r.error("upgrade/stored-version", "%s was stored and is gone", before.Name)
		case after == nil:
			r.error("upgrade/version", "%s is gone", before.Name)
		case before.Schema != nil && after.Schema != nil:
			compare(r, before.Name, before.Schema.OpenAPIV3Schema, after.Schema.OpenAPIV3Schema)
		}
	}
	return r.problems
}

// compare goes down both schemas by the older one's fields.
func compare(r *report, path string, a, b *apiextensionsv1.JSONSchemaProps) {
	if a.Type != b.Type || a.XIntOrString != b.XIntOrString {
		r.error("upgrade/type", "%s: %q becomes %q", path, a.Type, b.Type)
	}
	if !reflect.DeepEqual(a.Default, b.Default) {
		r.error("upgrade/default", "%s: %s becomes %s", path, value(a.Default), value(b.Default))
	}
	for _, name := range b.Required {
		if !slices.Contains(a.Required, name) {
			r.error("upgrade/required", "%s.%s was optional", path, name)
		}
	}
	compareEnum(r, path, a.Enum, b.Enum)
	compareBounds(r, path, a, b)
	for _, name := range slices.Sorted(maps.Keys(a.Properties)) {
		before := a.Properties[name]
		after, ok := b.Properties[name]
		if !ok {
			r.error("upgrade/field", "%s.%s is gone", path, name)
			continue
		}
		compare(r, path+"."+name, &before, &after)
	}
	if a.Items != nil && b.Items != nil && a.Items.Schema != nil && b.Items.Schema != nil {
		compare(r, path+"[]", a.Items.Schema, b.Items.Schema)
	}
	if a.AdditionalProperties != nil && b.AdditionalProperties != nil && a.AdditionalProperties.Schema != nil && b.AdditionalProperties.Schema != nil {
		compare(r, path+"{}", a.AdditionalProperties.Schema, b.AdditionalProperties.Schema)
	}
}

func value(v *apiextensionsv1.JSON) string {
	if v == nil {
		return "none"
	}
	return string(v.Raw)
}

func compareEnum(r *report, path string, a, b []apiextensionsv1.JSON) {
	if len(a) == 0 && len(b) > 0 {
		r.error("upgrade/enum", "%s had any value", path)
		return
	}
	for _, v := range a {
		has := func(w apiextensionsv1.JSON) bool { return string(v.Raw) == string(w.Raw) }
		if len(b) > 0 && !slices.ContainsFunc(b, has) {
			r.error("upgrade/enum", "%s may be %s no more", path, v.Raw)
		}
	}
}

// compareBounds: a bound may be dropped or widened, never set or narrowed.
func compareBounds(r *report, path string, a, b *apiextensionsv1.JSONSchemaProps) {
	lower := func(name string, before, after *float64) {
		if after != nil && (before == nil || *after > *before) {
			r.error("upgrade/bounds", "%s: %s %s becomes %s", path, name, number(before), number(after))
		}
	}
	upper := func(name string, before, after *float64) {
		if after != nil && (before == nil || *after < *before) {
			r.error("upgrade/bounds", "%s: %s %s becomes %s", path, name, number(before), number(after))
		}
	}
	lower("minimum", a.Minimum, b.Minimum)
	upper("maximum", a.Maximum, b.Maximum)
	lower("minLength", float(a.MinLength), float(b.MinLength))
	upper("maxLength", float(a.MaxLength), float(b.MaxLength))
	lower("minItems", float(a.MinItems), float(b.MinItems))
	upper("maxItems", float(a.MaxItems), float(b.MaxItems))
	lower("minProperties", float(a.MinProperties), float(b.MinProperties))
	upper("maxProperties", float(a.MaxProperties), float(b.MaxProperties))
	if b.Pattern != "" && a.Pattern != b.Pattern {
		r.error("upgrade/pattern", "%s: %q becomes %q", path, a.Pattern, b.Pattern)
	}
}

func float(n *int64) *float64 {
	if n == nil {
		return nil
	}
	f := float64(*n)
	return &f
}

func number(f *float64) string {
	if f == nil {
		return "none"
	}
	return fmt.Sprint(*f)
}
