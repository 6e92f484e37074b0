package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// Kinds knows which of the kinds that a cluster need not have are there. It is
// safe for concurrent use.
type Kinds struct {
	scheme *runtime.Scheme

	mu sync.Mutex
	// optional holds the kinds that may be missing, and whether they are there.
	optional map[schema.GroupKind]bool
	// versions are those of kinds that are read in more than one.
	versions map[schema.GroupKind]string
}

// NewKinds returns Kinds in which each optional kind is missing, and every
// other one is there.
func NewKinds(scheme *runtime.Scheme, optional ...schema.GroupKind) *Kinds {
	k := &Kinds{
		scheme:   scheme,
		optional: make(map[schema.GroupKind]bool, len(optional)), versions: make(map[schema.GroupKind]string),
	}
	for _, gk := range optional {
		k.optional[gk] = false
	}
	return k
}

// Available says whether the API server has the kind of the object.
func (k *Kinds) Available(obj client.Object) bool {
	gvk, err := apiutil.GVKForObject(obj, k.scheme)
	return err == nil && k.Has(gvk.GroupKind())
}

// Has says whether the API server has the kind.
func (k *Kinds) Has(gk schema.GroupKind) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	there, optional := k.optional[gk]
	return there || !optional
}

// Missing returns the names of the optional kinds that are not there, in no
// order.
func (k *Kinds) Missing() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var names []string
	for gk, there := range k.optional {
		if !there {
			names = append(names, gk.Kind)
		}
	}
	return names
}

// Set notes whether an optional kind is there.
func (k *Kinds) Set(gk schema.GroupKind, there bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, optional := k.optional[gk]; optional {
		k.optional[gk] = there
	}
}

// SetVersion notes in which version the API server has a kind that is read in more
// than one.
func (k *Kinds) SetVersion(gk schema.GroupKind, version string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.versions[gk] = version
}

func (k *Kinds) version(gk schema.GroupKind) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.versions[gk]
}

// discoveryPause is the time between two looks for missing kinds.
const discoveryPause = 2 * time.Second

// Wait returns once the API server has all the kinds. It says once what it is
// waiting for, and again when that changes.
func Wait(ctx context.Context, mapper meta.RESTMapper, log logr.Logger, kinds ...schema.GroupVersionKind) error {
	said := ""
	for {
		missing, err := firstMissing(mapper, kinds)
		switch {
		case err == nil && missing == "":
			return nil
		case err != nil && ctx.Err() == nil && said != err.Error():
			said = err.Error()
			log.Error(err, "Discovery went wrong and is tried again")
		case err == nil && said != missing:
			said = missing
			log.Info("Waiting for a kind that the API server does not have; are the CRDs of the Gateway API installed?", "kind", missing)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(discoveryPause):
		}
	}
}

func firstMissing(mapper meta.RESTMapper, kinds []schema.GroupVersionKind) (string, error) {
	for _, gvk := range kinds {
		_, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
		if meta.IsNoMatchError(err) {
			return gvk.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("looking for %s: %w", gvk, err)
		}
	}
	return "", nil
}
