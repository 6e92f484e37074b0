package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

// crd is a CustomResourceDefinition, and what it was read from: that is what the
// bundle holds.
type crd struct {
	apiextensionsv1.CustomResourceDefinition
	raw map[string]any
}

func addCRD(to []crd, document []byte) ([]crd, error) {
	var c crd
	err := errors.Join(yaml.UnmarshalStrict(document, &c.CustomResourceDefinition), yaml.Unmarshal(document, &c.raw))
	return append(to, c), err
}

// file is the name that the tools of OLM give it.
func (c *crd) file() string { return c.Spec.Group + "_" + c.Spec.Names.Plural + ".yaml" }

// schema is that of the version.
func (c *crd) schema(version string) (*apiextensionsv1.JSONSchemaProps, error) {
	for _, v := range c.Spec.Versions {
		if v.Name == version && v.Schema != nil && v.Schema.OpenAPIV3Schema != nil {
			return v.Schema.OpenAPIV3Schema, nil
		}
	}
	return nil, fmt.Errorf("CRD %s has no schema of version %s", c.Name, version)
}

// owned completes the descriptions of our kinds. Each must be of a CRD, and each CRD
// have one.
func (s *source) owned() ([]olm.Definition, error) {
	owned := slices.Clone(s.csvs[0].Spec.CustomResourceDefinitions.Owned)
	if len(owned) != len(s.crds) {
		return nil, fmt.Errorf("%d kinds are described, and there are %d CRDs", len(owned), len(s.crds))
	}
	for i := range owned {
		d := &owned[i]
		at := slices.IndexFunc(s.crds, func(c crd) bool { return c.Name == d.Name })
		if at < 0 {
			return nil, fmt.Errorf("there is no CRD %s", d.Name)
		}
		schema, err := s.crds[at].schema(d.Version)
		if err != nil {
			return nil, err
		}
		d.SpecDescriptors, d.StatusDescriptors = descriptors(schema, "spec"), descriptors(schema, "status")
	}
	return owned, nil
}

// descriptors describe the fields below a part of an object, by their names.
func descriptors(schema *apiextensionsv1.JSONSchemaProps, part string) []olm.Descriptor {
	var all []olm.Descriptor
	for name, field := range schema.Properties[part].Properties {
		all = append(all, olm.Descriptor{Path: name, DisplayName: title(name), Description: strings.Join(strings.Fields(field.Description), " ")})
	}
	slices.SortFunc(all, func(a, b olm.Descriptor) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// title makes "Attached Gateways" of attachedGateways.
func title(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i == 0 {
			r = unicode.ToUpper(r)
		} else if unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// readExamples adds the objects of a file; no name is no file.
func (s *source) readExamples(name string) error {
	s.examples = []any{}
	if name == "" {
		return nil
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("reading examples: %w", err)
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var example any
		if err == nil {
			err = yaml.Unmarshal(document, &example)
		}
		if err != nil {
			return fmt.Errorf("reading examples: %w", err)
		}
		s.examples = append(s.examples, example)
	}
}
