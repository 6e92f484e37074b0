package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// fieldManager owns what tests apply.
const fieldManager = "fleetgate-test"

// Apply applies all documents of a manifest, in their order, and returns the
// objects as the API server has them. A kind that is not known yet, as its
// definition may come earlier in the same manifest, is waited for while ctx
// lasts, but not for more than a few seconds.
func (c *Cluster) Apply(ctx context.Context, manifest []byte) ([]*unstructured.Unstructured, error) {
	objects, err := Parse(manifest)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if err := c.applyOne(ctx, o); err != nil {
			return nil, fmt.Errorf("applying %s: %w", describe(o), err)
		}
	}
	return objects, nil
}

func (c *Cluster) applyOne(ctx context.Context, o *unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		err := c.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(fieldManager), client.ForceOwnership)
		if !meta.IsNoMatchError(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ApplyFiles applies files, in the given order.
func (c *Cluster) ApplyFiles(ctx context.Context, paths ...string) error {
	for _, p := range paths {
		manifest, err := os.ReadFile(p)
		if err != nil {
			return fmt.Errorf("reading a manifest: %w", err)
		}
		if _, err := c.Apply(ctx, manifest); err != nil {
			return fmt.Errorf("file %s: %w", p, err)
		}
	}
	return nil
}

// ApplyFS applies the files that match the pattern, in the order of their
// names.
func (c *Cluster) ApplyFS(ctx context.Context, files fs.FS, pattern string) error {
	paths, err := fs.Glob(files, pattern)
	if err != nil {
		return fmt.Errorf("pattern %q: %w", pattern, err)
	}
	if len(paths) == 0 {
		return fmt.Errorf("no manifest matches %q", pattern)
	}
	for _, p := range paths {
		manifest, err := fs.ReadFile(files, p)
		if err != nil {
			return fmt.Errorf("reading a manifest: %w", err)
		}
		if _, err := c.Apply(ctx, manifest); err != nil {
			return fmt.Errorf("file %s: %w", p, err)
		}
	}
	return nil
}

// Delete deletes all objects that the manifest names, the last first, and
// waits until they are gone. Those that do not exist are no error.
func (c *Cluster) Delete(ctx context.Context, manifest []byte) error {
	objects, err := Parse(manifest)
	if err != nil {
		return err
	}
	slices.Reverse(objects)
	for _, o := range objects {
		if err := c.Client.Delete(ctx, o); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting %s: %w", describe(o), err)
		}
	}
	for _, o := range objects {
		if err := c.WaitGone(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// Parse splits a manifest into objects. Empty documents are left out.
func Parse(manifest []byte) ([]*unstructured.Unstructured, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifest)))
	var objects []*unstructured.Unstructured
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading document %d: %w", len(objects)+1, err)
		}
		var content map[string]any
		if err := yaml.Unmarshal(document, &content); err != nil {
			return nil, fmt.Errorf("parsing document %d: %w", len(objects)+1, err)
		}
		if len(content) > 0 {
			objects = append(objects, &unstructured.Unstructured{Object: content})
		}
	}
}

func describe(o client.Object) string {
	kind := o.GetObjectKind().GroupVersionKind().Kind
	if kind == "" {
		kind = fmt.Sprintf("%T", o)
	}
	return kind + " " + client.ObjectKeyFromObject(o).String()
}

// isGone reports whether an error says that there is no such object, or no
// such kind any more.
func isGone(err error) bool {
	return apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
}
