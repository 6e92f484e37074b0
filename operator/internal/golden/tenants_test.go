package golden_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	kubescheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/internal/long"
	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/local/view"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/render"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// The numbers of worlds; FLEETGATE_LONG asks for the second one.
const (
	fewWorlds  = 400
	manyWorlds = 1_000_000
)

// TestTenantsTogetherAreEachAlone translates random worlds of two tenants, whose names
// collide wherever names are joined and who name each other's objects without leave.
// Whatever one does, the other's configuration, certificates, objects and statuses are
// those that he has without him. See tenants_world_test.go for what is drawn.
func TestTenantsTogetherAreEachAlone(t *testing.T) {
	n := long.N(fewWorlds, manyWorlds)
	translator := newTranslator(t)
	var next, served atomic.Int64
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(n) && !t.Failed(); i = next.Add(1) {
				served.Add(translator.compare(t, uint64(i)))
			}
		})
	}
	workers.Wait()
	if served.Load() < int64(n) {
		t.Errorf("%d worlds have %d routes that serve: they are too poor to tell anything", n, served.Load())
	}
	long.Report(t, "Tenants together are each alone", n, fmt.Sprintf("0 differences, with %d routes that serve", served.Load()))
}

// translator goes the whole way from the objects of a cluster to what Gateways get.
type translator struct {
	indexes *view.Indexes
	view    func([]client.Object) (*view.View, error)
}

func newTranslator(t *testing.T) *translator {
	scheme := kubescheme.Scheme
	if err := errors.Join(gatewayv1.Install(scheme), gatewayxv1alpha1.Install(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	tr := &translator{indexes: view.NewIndexes(scheme)}
	if err := store.IndexFields(t.Context(), tr.indexes, func(client.Object) bool { return true }); err != nil {
		t.Fatal(err)
	}
	tr.view = func(objects []client.Object) (*view.View, error) { return view.New(scheme, tr.indexes, objects) }
	return tr
}

// outcome is all that a tenant gets, by its Gateways.
type outcome map[string]any

// compare translates the world of a seed, and returns how many routes serve.
func (tr *translator) compare(t *testing.T, seed uint64) (served int64) {
	random := rand.New(rand.NewPCG(7, seed))
	tenants, common := drawTenants(random)
	together := slices.Concat(common, tenants[0].objects, tenants[1].objects)
	random.Shuffle(len(together), func(i, j int) { together[i], together[j] = together[j], together[i] })
	both := tr.see(t, together)
	for _, tenant := range tenants {
		alone, _ := tr.outcome(t, tr.see(t, slices.Concat(common, tenant.objects)), tenant)
		got, routes := tr.outcome(t, both, tenant)
		served += routes
		if !equal(t, alone, got) {
			t.Errorf("world %d: tenant %s (-alone +together):\n%s", seed, tenant.namespace, cmp.Diff(alone, got))
		}
	}
	return served
}

// equal compares what is written of both, which need not be looked at where there is not
// even another in memory.
func equal(t *testing.T, alone, got outcome) bool {
	return reflect.DeepEqual(alone, got) || textOf(t, alone) == textOf(t, got)
}

func textOf(t *testing.T, value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// see makes a cluster of objects.
func (tr *translator) see(t *testing.T, objects []client.Object) *view.View {
	cluster, err := tr.view(objects)
	if err != nil {
		t.Error(err)
	}
	return cluster
}

// outcome is that of one tenant in a cluster.
func (tr *translator) outcome(t *testing.T, cluster *view.View, of tenant) (outcome, int64) {
	out, routes := outcome{}, int64(0)
	if cluster == nil {
		return nil, 0
	}
	for _, object := range of.objects {
		if _, is := object.(*gatewayv1.Gateway); !is {
			continue
		}
		resources, err := store.Collect(t.Context(), cluster, client.ObjectKeyFromObject(object), golden.ControllerName)
		if err != nil {
			t.Error(err)
			return nil, 0
		}
		g := graph.Build(resources, options())
		config := render.Config(g)
		routes += int64(len(config.Routes))
		set := status.Build(g, status.Observed{Ready: 1, Serving: 1, Wanted: 1})
		out[object.GetName()] = map[string]any{
			"config": config, "certificates": render.CertificateSecrets(g),
			"objects": provision.Desired(g, provision.Settings{ProxyImage: "proxy", SensorImage: "sensor"}),
			"gateway": set.Gateway, "routes": ownRoutes(set.Routes, of.namespace), "policies": ownPolicies(set.Policies, of.namespace),
		}
	}
	return out, routes
}

// ownRoutes leaves out what a Gateway says of the other tenant's routes, which without
// him are not there.
func ownRoutes(all []*status.Route, namespace string) (own []*status.Route) {
	for _, route := range all {
		if route.Name.Namespace == namespace {
			own = append(own, route)
		}
	}
	return own
}

func ownPolicies(all []status.Policy, namespace string) (own []status.Policy) {
	for _, policy := range all {
		if policy.Name.Namespace == namespace {
			own = append(own, policy)
		}
	}
	return own
}

// A translation that mixes tenants is found.
func TestMixedTenantsAreSeen(t *testing.T) {
	tr := newTranslator(t)
	differ := 0
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(7, seed))
		tenants, common := drawTenants(random)
		for _, object := range tenants[0].objects {
			if gateway, is := object.(*gatewayv1.Gateway); is {
				for i := range gateway.Spec.Listeners {
					gateway.Spec.Listeners[i].AllowedRoutes = &gatewayv1.AllowedRoutes{
						Namespaces: &gatewayv1.RouteNamespaces{From: new(gatewayv1.NamespacesFromAll)}}
				}
			}
		}
		alone, _ := tr.outcome(t, tr.see(t, slices.Concat(common, tenants[0].objects)), tenants[0])
		got, _ := tr.outcome(t, tr.see(t, slices.Concat(common, tenants[0].objects, tenants[1].objects)), tenants[0])
		if !equal(t, alone, got) {
			differ++
		}
	}
	if differ == 0 {
		t.Error("no world tells a tenant who lets the other one in from one who does not")
	}
}

// tenant is a namespace with all that is in it.
type tenant struct {
	namespace string
	objects   []client.Object
}
