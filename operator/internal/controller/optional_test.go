package controller

import (
	"context"
	"errors"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// fakeController counts what it is to watch, and fails on demand.
type fakeController struct {
	controller.Controller
	watches int
	err     error
}

func (c *fakeController) Watch(source.Source) error {
	c.watches++
	return c.err
}

// fakeCache counts the informers that are removed.
type fakeCache struct {
	informertest.FakeInformers
	removed int
}

func (c *fakeCache) RemoveInformer(context.Context, client.Object) error {
	c.removed++
	return nil
}

// fakeIndexer notes the names of indexes.
type fakeIndexer struct{ names []string }

func (i *fakeIndexer) IndexField(_ context.Context, _ client.Object, name string, _ client.IndexerFunc) error {
	i.names = append(i.names, name)
	return nil
}

// discovery is a KindReconciler on a world, of whose kinds an API server has
// those that the mapper knows.
type discovery struct {
	*KindReconciler
	world   *world
	mapper  *meta.DefaultRESTMapper
	cache   *fakeCache
	indexer *fakeIndexer
	ctrl    *fakeController
}

var tcpKind = schema.GroupKind{Group: gatewayv1.GroupName, Kind: "TCPRoute"}

const tcpCRD = "tcproutes." + gatewayv1.GroupName

func newDiscovery(t *testing.T, served ...string) *discovery {
	d := &discovery{
		world: newWorld(t, gateway("gw")), mapper: meta.NewDefaultRESTMapper(nil),
		cache: &fakeCache{}, indexer: &fakeIndexer{}, ctrl: &fakeController{},
	}
	for _, optional := range optionalGroupKinds() {
		d.world.kinds.Set(optional, false)
	}
	for _, name := range served {
		d.serve(name)
	}
	d.KindReconciler = &KindReconciler{
		changes: newChangeLog(),
		opts:    d.world.gateways.opts, cache: d.cache, mapper: d.mapper, indexer: d.indexer,
		bell: newDoorbell(0, d.world.clock), classes: d.world.classes, watching: make(map[schema.GroupKind]client.Object),
	}
	return d
}

func (d *discovery) serve(kind string) {
	d.mapper.Add(schema.GroupVersion(gatewayv1.GroupVersion).WithKind(kind), meta.RESTScopeNamespace)
}

// kinds are the optional ones, all of which the fake controller watches.
func (d *discovery) kindsWatched() []optionalKind {
	kinds := optionalKinds()
	for i := range kinds {
		kinds[i].watches = func(cache.Cache) map[controller.Controller]source.Source {
			return map[controller.Controller]source.Source{d.ctrl: nil}
		}
	}
	return kinds
}

func (d *discovery) look(crd string) (reconcile.Result, error) {
	return d.Reconcile(d.world.t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Name: crd}})
}

func (d *discovery) create(crd string) client.Object {
	obj := cluster.CRDMetadata()
	obj.Name, obj.CreationTimestamp = crd, metav1.NewTime(d.world.now)
	d.world.must(d.world.client.Create(d.world.t.Context(), obj))
	return obj
}

// What is there at the start is indexed and known before anybody watches.
func TestKindsThatAreThereAtTheStart(t *testing.T) {
	d := newDiscovery(t, "TCPRoute")
	d.world.must(d.begin(t.Context()))
	if !d.world.kinds.Has(tcpKind) || !slices.Contains(d.indexer.names, store.RouteByGateway) || d.ctrl.watches != 0 {
		t.Errorf("indexes %v and %d watches", d.indexer.names, d.ctrl.watches)
	}
	d.world.must(d.watchAll(d.kindsWatched()))
	if d.ctrl.watches != 1 {
		t.Errorf("%d watches, want that of the one kind", d.ctrl.watches)
	}
}

func TestAKindComesAndGoes(t *testing.T) {
	d := newDiscovery(t)
	d.world.must(d.begin(t.Context()))
	d.world.must(d.watchAll(d.kindsWatched()))
	crd := d.create(tcpCRD)
	result, err := d.look(tcpCRD)
	if err != nil || result.RequeueAfter != establishPause || d.world.kinds.Has(tcpKind) {
		t.Fatalf("a CRD that is not served yet: %+v, %v", result, err)
	}
	d.world.now = d.world.now.Add(2 * outdatedPause)
	if result, _ := d.look(tcpCRD); result.RequeueAfter != outdatedPause {
		t.Errorf("an old CRD of another version is looked at again after %s", result.RequeueAfter)
	}

	d.serve("TCPRoute")
	for range 2 {
		_, err = d.look(tcpCRD)
		d.world.must(err)
	}
	if !d.world.kinds.Has(tcpKind) || d.ctrl.watches != 1 {
		t.Errorf("there: %t, %d watches", d.world.kinds.Has(tcpKind), d.ctrl.watches)
	}

	d.world.must(d.world.client.Delete(t.Context(), crd))
	_, err = d.look(tcpCRD)
	d.world.must(err)
	if d.world.kinds.Has(tcpKind) || d.cache.removed != 1 {
		t.Errorf("there: %t, %d informers removed", d.world.kinds.Has(tcpKind), d.cache.removed)
	}
}

// The mapper remembers a kind that was removed, and the API server says that it is
// not there.
func TestAKindThatComesAgainIsWatchedOnceItIsServed(t *testing.T) {
	d := newDiscovery(t, "TCPRoute")
	d.world.must(d.watchAll(d.kindsWatched()))
	d.create(tcpCRD)
	served := d.opts.Live
	d.opts.Live = unserved{served}
	if result, err := d.look(tcpCRD); err != nil || result.RequeueAfter != establishPause || d.ctrl.watches != 0 {
		t.Errorf("looked at again after %s, %v, %d watches, want none yet", result.RequeueAfter, err, d.ctrl.watches)
	}
	d.opts.Live = served
	_, err := d.look(tcpCRD)
	d.world.must(err)
	if !d.world.kinds.Has(tcpKind) || d.ctrl.watches != 1 {
		t.Errorf("there: %t, %d watches", d.world.kinds.Has(tcpKind), d.ctrl.watches)
	}
}

// unserved is an API server that has no list of anything.
type unserved struct{ client.Reader }

func (unserved) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return apierrors.NewNotFound(schema.GroupResource{}, "")
}

// A watch that cannot be started leaves nothing behind, and is tried again.
func TestAKindThatCannotBeWatched(t *testing.T) {
	d := newDiscovery(t, "TCPRoute")
	d.world.must(d.watchAll(d.kindsWatched()))
	d.create(tcpCRD)
	d.ctrl.err = errors.New("no")
	if _, err := d.look(tcpCRD); !errors.Is(err, d.ctrl.err) || d.world.kinds.Has(tcpKind) || d.cache.removed != 1 {
		t.Errorf("%v, there: %t, %d informers removed", err, d.world.kinds.Has(tcpKind), d.cache.removed)
	}
	d.ctrl.err = nil
	_, err := d.look(tcpCRD)
	d.world.must(err)
	if !d.world.kinds.Has(tcpKind) {
		t.Error("it is not tried again")
	}
}

// Each optional kind has the name that its CRD has in the Gateway API.
func TestNamesOfOptionalCRDs(t *testing.T) {
	var got []string
	for _, optional := range optionalKinds() {
		got = append(got, optional.crd)
	}
	for _, want := range []string{"grpcroutes", "httproutes", "listenersets", "referencegrants", "tcproutes", "tlsroutes", "udproutes"} {
		if !slices.Contains(got, want+".gateway.networking.k8s.io") {
			t.Errorf("%s is not among %v", want, got)
		}
	}
}
