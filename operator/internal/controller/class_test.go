package controller

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

func (w *world) class(name string) *gatewayv1.GatewayClass {
	w.t.Helper()
	_, err := w.classes.Reconcile(w.t.Context(), request("", name))
	w.must(err)
	class := &gatewayv1.GatewayClass{}
	w.must(w.client.Get(w.t.Context(), types.NamespacedName{Name: name}, class))
	return class
}

func TestClassIsAccepted(t *testing.T) {
	w := newWorld(t)
	class := w.class("fleetgate")
	for _, typ := range []string{"Accepted", "SupportedVersion"} {
		if c := conditions.Find(class.Status.Conditions, typ); c == nil || c.Status != metav1.ConditionTrue {
			t.Errorf("%s is %+v", typ, c)
		}
	}
	if len(class.Status.SupportedFeatures) == 0 || len(class.Finalizers) != 0 {
		t.Errorf("got features %v, finalizers %v", class.Status.SupportedFeatures, class.Finalizers)
	}
	w.take()
	w.class("fleetgate")
	if writes := w.take(); writes != nil {
		t.Errorf("nothing has changed, and it writes %v", writes)
	}
}

func TestForeignClassIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.class("other")
	if writes := w.take(); writes != nil {
		t.Errorf("it writes %v", writes)
	}
}

func TestClassFollowsTheCRDs(t *testing.T) {
	w := newWorld(t)
	crd := cluster.CRDMetadata()
	w.must(w.client.Get(t.Context(), types.NamespacedName{Name: gatewayCRD}, crd))
	w.must(w.client.Delete(t.Context(), crd))
	old := cluster.CRDMetadata()
	old.Name, old.Annotations = gatewayCRD, map[string]string{"gateway.networking.k8s.io/bundle-version": "v1.2.1"}
	w.must(w.client.Create(t.Context(), old))
	conds := w.class("fleetgate").Status.Conditions
	if c := conditions.Find(conds, "SupportedVersion"); c == nil || c.Status != metav1.ConditionFalse {
		t.Errorf("SupportedVersion is %+v", c)
	}
	if c := conditions.Find(conds, "Accepted"); c == nil || c.Status != metav1.ConditionTrue {
		t.Errorf("Accepted is %+v", c)
	}
	requests := w.classes.classOf(t.Context(), old)
	if !slices.Contains(requests, request("", "fleetgate")) {
		t.Errorf("the CRD leads to %v", requests)
	}
}

func TestClassInUseHasTheFinalizer(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	if got := w.class("fleetgate").Finalizers; !slices.Contains(got, gatewayv1.GatewayClassFinalizerGatewaysExist) {
		t.Errorf("got finalizers %v", got)
	}
	w.must(w.client.Delete(t.Context(), get(w, "gw", &gatewayv1.Gateway{})))
	if got := w.class("fleetgate").Finalizers; len(got) != 0 {
		t.Errorf("got finalizers %v", got)
	}
}

// Many Gateways that come at once have a class looked at before a cache shows what was
// written to it: that is not written again, in vain.
func TestClassIsNotWrittenForACacheThatIsBehind(t *testing.T) {
	w := newWorld(t, gateway("gw"))
	w.late()
	w.boot()
	for range 3 {
		w.class("fleetgate")
	}
	if diff := cmp.Diff([]string{"patch fleetgate", "status fleetgate"}, w.take()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.cache.catchUp()
	w.must(w.client.Delete(t.Context(), get(w, "gw", &gatewayv1.Gateway{})))
	w.cache.catchUp()
	if got := w.class("fleetgate").Finalizers; len(got) != 0 {
		t.Errorf("got finalizers %v", got)
	}
}

// Without the fields of the experimental channel there are no features of theirs,
// and they come with the CRD.
func TestFeaturesFollowTheChannel(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		channel string
		want    bool
	}{{"", false}, {"experimental", true}, {"standard", false}} {
		crd := cluster.CRDMetadata()
		w.must(w.client.Get(t.Context(), types.NamespacedName{Name: gatewayCRD}, crd))
		w.must(w.client.Delete(t.Context(), crd))
		crd = cluster.CRDMetadata()
		crd.Name = gatewayCRD
		crd.Annotations = map[string]string{consts.BundleVersionAnnotation: "v1.7.0", consts.ChannelAnnotation: tt.channel}
		w.must(w.client.Create(t.Context(), crd))
		supported := w.class("fleetgate").Status.SupportedFeatures
		for _, feature := range []gatewayv1.FeatureName{"GatewayListenerFilters", "GatewayAddressRoutability", "GatewayAddressRoutabilityCluster"} {
			if got := slices.Contains(supported, gatewayv1.SupportedFeature{Name: feature}); got != tt.want {
				t.Errorf("channel %q: %s is supported: %t", tt.channel, feature, got)
			}
		}
		if !slices.Contains(supported, gatewayv1.SupportedFeature{Name: "GatewayStaticAddresses"}) {
			t.Errorf("channel %q: static addresses are not supported", tt.channel)
		}
	}
}
