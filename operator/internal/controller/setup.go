package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/metrics"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// How many of a kind are worked on at a time. A Gateway that takes long, or
// whose API calls are slow, must leave workers for the others.
const (
	gatewayWorkers = 8
	routeWorkers   = 8
)

// reportPause is the least time between two looks at a Gateway for the sake of
// its proxies' reports alone.
const reportPause = 300 * time.Millisecond

// Config is what Setup needs beside the manager.
type Config struct {
	ControllerName string
	Graph          graph.Options
	Settings       provision.Settings
	// WatchNamespaces are those that the manager's cache is limited to.
	WatchNamespaces []string
	Registry        prometheus.Registerer
}

// Setup adds the indexes, the controllers and what they share to the manager.
// The CRDs of GatewayClasses and Gateways must be there. It may be called after
// the manager has started.
func Setup(ctx context.Context, mgr manager.Manager, config Config) error {
	kinds := cluster.NewKinds(mgr.GetScheme(), optionalGroupKinds()...)
	if err := store.IndexFields(ctx, mgr.GetFieldIndexer(), kinds.Available); err != nil {
		return err
	}
	opts := Options{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(),
		Reader:         kinds.Only(cluster.NewReader(mgr.GetClient(), mgr.GetAPIReader(), config.WatchNamespaces, time.Now)),
		Events:         mgr.GetEventRecorder("fleetgate"),
		Kinds:          kinds,
		ControllerName: config.ControllerName, Graph: config.Graph, Settings: config.Settings,
		Translate: graph.Build, Now: time.Now,
	}
	bell := newDoorbell(reportPause, opts.Now)
	tracker := proxies.New(proxies.Options{
		Changed: bell.ringSlowly, Port: int(provision.AdminPort), Log: mgr.GetLogger().WithName("proxies"),
	})
	if err := mgr.Add(leaderOnly{tracker}); err != nil {
		return fmt.Errorf("adding the tracker: %w", err)
	}
	opts.Metrics = metrics.New(config.Registry, tracker.Reporting)
	optional := &KindReconciler{
		opts: opts, cache: mgr.GetCache(), mapper: mgr.GetRESTMapper(), indexer: mgr.GetFieldIndexer(),
		bell: bell, watching: make(map[schema.GroupKind]client.Object),
	}
	if err := optional.begin(ctx); err != nil {
		return err
	}

	routes := newRouteReconcilers(opts)
	policies := newPolicyReconcilers(opts)
	gateways := newGatewayReconciler(opts, tracker, routes, policies, bell)
	if err := errors.Join(setupStatuses(mgr, routes), setupStatuses(mgr, policies)); err != nil {
		return err
	}
	ctrl, err := setupGateways(mgr, gateways)
	if err != nil {
		return err
	}
	optional.classes = &ClassReconciler{opts: opts, bell: newDoorbell(0, opts.Now)}
	if err := setupClasses(mgr, optional.classes); err != nil {
		return err
	}
	sets, err := newController(mgr, "listenerset", &ListenerSetReconciler{opts: opts, routes: routes}, routeWorkers)
	if err != nil {
		return err
	}
	selectors, err := setupSelectors(mgr, &SelectorReconciler{opts: opts})
	if err != nil {
		return err
	}
	if err := optional.watchAll(watched(gateways, ctrl, sets, selectors)); err != nil {
		return err
	}
	return setupKinds(mgr, optional)
}

// watched adds to the optional kinds who watches them.
func watched(gateways *GatewayReconciler, ctrl, sets, selectors controller.Controller) []optionalKind {
	kinds := optionalKinds()
	for i := range kinds {
		kinds[i].watches = watchesOf(gateways, ctrl, sets, selectors, kinds[i].object)
		for j, older := range kinds[i].older {
			kinds[i].older[j].watches = watchesOf(gateways, ctrl, sets, selectors, older.object)
		}
	}
	return kinds
}

func watchesOf(gateways *GatewayReconciler, ctrl, sets, selectors controller.Controller, object client.Object) func(cache.Cache) map[controller.Controller]source.Source {
	w := gateways.watchOf(object)
	return func(objects cache.Cache) map[controller.Controller]source.Source {
		all := map[controller.Controller]source.Source{ctrl: source.Kind(objects, object, w.handler(), w.predicate())}
		if _, isSet := object.(*gatewayv1.ListenerSet); isSet {
			all[sets] = source.Kind[client.Object](objects, object, &handler.EnqueueRequestForObject{}, updates(specChanged))
		}
		if _, isBackend := object.(*gatewayxv1alpha1.XBackend); isBackend {
			all[selectors] = source.Kind[client.Object](objects, object, &handler.EnqueueRequestForObject{}, updates(changed))
		}
		return all
	}
}

func newGatewayReconciler(opts Options, tracker *proxies.Tracker, routes routeReconcilers, policies policyReconcilers, bell *doorbell) *GatewayReconciler {
	return &GatewayReconciler{
		opts: opts, tracker: tracker, routes: routes, policies: policies, bell: bell,
		applier: apply.New(apply.Options{
			Client: opts.Client, Live: opts.Live, Kinds: fleetKinds(), Available: opts.Kinds.Available, Now: opts.Now,
		}),
		writer:   delivery.New(delivery.Options{Client: opts.Client, Live: opts.Live, Now: opts.Now}),
		events:   newAnnouncer(opts.Events),
		repairs:  newRepairs(),
		reported: make(map[types.NamespacedName]time.Time),
	}
}

// leaderOnly makes a runnable wait for the leadership.
type leaderOnly struct{ manager.Runnable }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (leaderOnly) NeedLeaderElection() bool { return true }

// options has a controller fill its caches and queue before it leads, so that a
// new leader starts at once.
func options(r reconcile.Reconciler, workers int) controller.Options {
	warm := true
	return controller.Options{Reconciler: r, MaxConcurrentReconciles: workers, EnableWarmup: &warm}
}

func newController(mgr manager.Manager, name string, r reconcile.Reconciler, workers int) (controller.Controller, error) {
	ctrl, err := controller.New(name, mgr, options(r, workers))
	if err != nil {
		return nil, fmt.Errorf("making the controller %s: %w", name, err)
	}
	return ctrl, nil
}

func setupGateways(mgr manager.Manager, r *GatewayReconciler) (controller.Controller, error) {
	ctrl, err := newController(mgr, "gateway", r, gatewayWorkers)
	if err != nil {
		return nil, err
	}
	sources := []source.Source{r.bell.source()}
	for _, w := range r.watches() {
		sources = append(sources, source.Kind(mgr.GetCache(), w.object, w.handler(), w.predicate()))
	}
	return ctrl, add(ctrl, sources...)
}

func setupStatuses[S comparable, W any](mgr manager.Manager, writers map[string]*statusWriter[S, W]) error {
	for kind, r := range writers {
		ctrl, err := newController(mgr, strings.ToLower(kind)+"status", r, routeWorkers)
		if err != nil {
			return err
		}
		if err := add(ctrl, r.bell.source()); err != nil {
			return err
		}
	}
	return nil
}

func setupClasses(mgr manager.Manager, r *ClassReconciler) error {
	ctrl, err := newController(mgr, "gatewayclass", r, 1)
	if err != nil {
		return err
	}
	byObject := handler.EnqueueRequestsFromMapFunc(r.classOf)
	return add(ctrl, r.bell.source(),
		source.Kind[client.Object](mgr.GetCache(), &gatewayv1.GatewayClass{}, &handler.EnqueueRequestForObject{}),
		source.Kind[client.Object](mgr.GetCache(), &gatewayv1.Gateway{}, byObject, updates(specChanged)),
		source.Kind[client.Object](mgr.GetCache(), cluster.CRDMetadata(), byObject),
	)
}

func setupKinds(mgr manager.Manager, r *KindReconciler) error {
	ctrl, err := newController(mgr, "optionalkind", r, 1)
	if err != nil {
		return err
	}
	only := predicate.NewPredicateFuncs(func(obj client.Object) bool {
		return slices.ContainsFunc(r.kinds, func(k optionalKind) bool { return k.crd == obj.GetName() })
	})
	return add(ctrl, builtIns(), source.Kind(mgr.GetCache(), client.Object(cluster.CRDMetadata()), handler.EventHandler(&handler.EnqueueRequestForObject{}), only))
}

func updates(matter func(before, after client.Object) bool) predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return matter(e.ObjectOld, e.ObjectNew) }}
}

func add(ctrl controller.Controller, sources ...source.Source) error {
	for _, s := range sources {
		if err := ctrl.Watch(s); err != nil {
			return fmt.Errorf("starting a watch: %w", err)
		}
	}
	return nil
}
