package check

import (
	"errors"
	"fmt"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

// checkCRDs: what the bundle owns is in it and the other way round, and an API
// server would take it.
func (b *bundle) checkCRDs(r *report) {
	owned := b.csv.Spec.CustomResourceDefinitions.Owned
	seen := map[string]bool{}
	for i := range b.crds {
		c := &b.crds[i]
		if seen[c.Name] {
			r.error("bundle/crd-twice", "%s", c.Name)
		}
		seen[c.Name] = true
		if !slices.ContainsFunc(owned, func(d olm.Definition) bool { return describes(d, c) }) {
			r.error("bundle/crd-not-owned", "%s", c.Name)
		}
		if complaints := invalid(c); complaints != "" {
			r.error("crd/schema", "%s: %s", c.Name, complaints)
		}
	}
	for _, d := range owned {
		if !slices.ContainsFunc(b.crds, func(c apiextensionsv1.CustomResourceDefinition) bool { return describes(d, &c) }) {
			r.error("bundle/owned-without-crd", "%s %s", d.Name, d.Version)
		}
	}
}

func describes(d olm.Definition, c *apiextensionsv1.CustomResourceDefinition) bool {
	return d.Name == c.Name && d.Kind == c.Spec.Names.Kind && version(c, d.Version) != nil
}

func version(c *apiextensionsv1.CustomResourceDefinition, name string) *apiextensionsv1.CustomResourceDefinitionVersion {
	for i := range c.Spec.Versions {
		if c.Spec.Versions[i].Name == name {
			return &c.Spec.Versions[i]
		}
	}
	return nil
}

// invalid is what an API server says when the CRD is created.
func invalid(c *apiextensionsv1.CustomResourceDefinition) string {
	if want := c.Spec.Names.Plural + "." + c.Spec.Group; c.Name != want {
		return "it should be called " + want
	}
	stored := 0
	for _, v := range c.Spec.Versions {
		if v.Storage {
			stored++
		}
		if err := structural(v.Schema); err != nil {
			return v.Name + ": " + err.Error()
		}
	}
	if stored != 1 {
		return fmt.Sprintf("%d versions are stored", stored)
	}
	return ""
}

func structural(validation *apiextensionsv1.CustomResourceValidation) error {
	if validation == nil || validation.OpenAPIV3Schema == nil {
		return errors.New("there is no schema")
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(validation.OpenAPIV3Schema, &props, nil); err != nil {
		return err
	}
	s, err := schema.NewStructural(&props)
	if err != nil {
		return err
	}
	return schema.ValidateStructural(nil, s).ToAggregate()
}
