package controller

import (
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

var bundleKind = trustBundleKind().kind

func (d *discovery) serveBundles(version string) {
	d.mapper.Add(schema.GroupVersion{Group: certificatesv1.GroupName, Version: version}.WithKind("ClusterTrustBundle"), meta.RESTScopeRoot)
}

// bundlesWatched are the optional kinds, of whose ClusterTrustBundles the fake
// controller watches every version.
func (d *discovery) bundlesWatched() []optionalKind {
	kinds := d.kindsWatched()
	for i := range kinds {
		for j := range kinds[i].older {
			kinds[i].older[j].watches = func(cache.Cache) map[controller.Controller]source.Source {
				return map[controller.Controller]source.Source{d.ctrl: nil}
			}
		}
	}
	return kinds
}

func (d *discovery) lookForBundles(t *testing.T) {
	t.Helper()
	result, err := d.look(trustBundleKind().crd)
	if err != nil || result.RequeueAfter != builtInPause {
		t.Fatalf("got %+v, %v", result, err)
	}
}

// A kind that no CRD tells of is looked for, and read in the version that there is.
func TestTrustBundlesComeAndMoveOn(t *testing.T) {
	d := newDiscovery(t)
	d.world.must(d.begin(t.Context()))
	d.world.must(d.watchAll(d.bundlesWatched()))
	d.lookForBundles(t)
	if d.world.kinds.Has(bundleKind) || d.ctrl.watches != 0 {
		t.Fatalf("there: %t, %d watches", d.world.kinds.Has(bundleKind), d.ctrl.watches)
	}
	d.serveBundles("v1beta1")
	for range 2 {
		d.lookForBundles(t)
	}
	if _, older := d.watching[bundleKind].(*certificatesv1beta1.ClusterTrustBundle); !older || !d.world.kinds.Has(bundleKind) || d.ctrl.watches != 1 {
		t.Fatalf("a %T is watched, by %d watches", d.watching[bundleKind], d.ctrl.watches)
	}
	d.serveBundles("v1")
	d.lookForBundles(t)
	if _, newest := d.watching[bundleKind].(*certificatesv1.ClusterTrustBundle); !newest || d.ctrl.watches != 2 || d.cache.removed != 1 {
		t.Fatalf("a %T is watched, by %d watches, %d informers were removed", d.watching[bundleKind], d.ctrl.watches, d.cache.removed)
	}
	*d.mapper = *meta.NewDefaultRESTMapper(nil)
	d.lookForBundles(t)
	if d.world.kinds.Has(bundleKind) || d.cache.removed != 2 {
		t.Errorf("there: %t, %d informers were removed", d.world.kinds.Has(bundleKind), d.cache.removed)
	}
}

// Those that are there at the start are known before anybody watches.
func TestTrustBundlesThatAreThereAtTheStart(t *testing.T) {
	d := newDiscovery(t)
	d.serveBundles("v1alpha1")
	d.world.must(d.begin(t.Context()))
	if !d.world.kinds.Has(bundleKind) || d.ctrl.watches != 0 {
		t.Errorf("there: %t, %d watches", d.world.kinds.Has(bundleKind), d.ctrl.watches)
	}
	d.world.must(d.watchAll(d.bundlesWatched()))
	if d.ctrl.watches != 1 {
		t.Errorf("%d watches, want that of the one version", d.ctrl.watches)
	}
}
