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
	"k8s.io/client-go/util/workqueue"
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

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
	"github.com/fleetgate/fleetgate/operator/internal/fairqueue"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/metrics"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
	"github.com/fleetgate/fleetgate/operator/internal/rollout"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// How many of a kind are worked on at a time. A Gateway that takes long, or whose API
// calls are slow, must leave workers for the others: all of a namespace get half of them,
// and all that come up four of five. One that comes up waits for a dozen answers of the API
// server, which takes its time for the two about roles: it reads all that grant something
// anew before it lets anybody grant more.
const (
	gatewayWorkers = 20
	routeWorkers   = 8
)

// How long something waits after an error, at first and at most. The end of a quota or
// of a webhook's trouble is not told of, and nobody is to wait for long after it.
const (
	firstRetry   = 5 * time.Millisecond
	longestRetry = time.Minute
)

// reconcileWithin is how long one try to bring an object up to date may take: longer than any
// webhook may, so that each try has something done, and the next one goes on from there.
// Without an end, a call that nobody answers would keep what happens to the object from being
// seen for as long.
const reconcileWithin = time.Minute

// reportPause is the least time between two looks at a Gateway for the sake of
// its proxies' reports alone.
const reportPause = 300 * time.Millisecond

// holdPause is how long the configuration of a fleet without proxies waits at most for
// more routes.
const holdPause = 15 * time.Second

// Config is what Setup needs beside the manager.
type Config struct {
	ControllerName string
	Graph          graph.Options
	Settings       provision.Settings
	// WatchNamespaces are those that the manager's cache is limited to.
	WatchNamespaces []string
	// Serving is closed when the classes are this install's; nil where there is no other.
	// Nothing is written before.
	Serving  <-chan struct{}
	Registry prometheus.Registerer
}

// Setup adds the indexes, the controllers and what they share to the manager.
// The CRDs of GatewayClasses and Gateways must be there. It may be called after
// the manager has started.
func Setup(ctx context.Context, m manager.Manager, config Config) error {
	mgr := patientManager{m, config.Serving}
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
		Translate: (*graph.Memory).Build, Hold: holdPause, Now: time.Now,
	}
	bell := newDoorbell(reportPause, opts.Now)
	tracker := proxies.New(proxies.Options{
		Changed: bell.ringSlowly, Port: int(provision.AdminPort), Log: mgr.GetLogger().WithName("proxies"),
	})
	if err := mgr.Add(leaderOnly{tracker}); err != nil {
		return fmt.Errorf("adding the tracker: %w", err)
	}
	opts.Metrics = metrics.New(config.Registry, tracker.Reporting)
	opts.Metrics.Gateways(tracker.Ready)
	optional := &KindReconciler{
		opts: opts, cache: mgr.GetCache(), mapper: mgr.GetRESTMapper(), indexer: mgr.GetFieldIndexer(),
		bell: bell, watching: make(map[schema.GroupKind]client.Object),
	}
	if err := optional.begin(ctx); err != nil {
		return err
	}

	routes := newRouteReconcilers(opts)
	policies := newPolicyReconcilers(opts)
	parameters := newParametersReconciler(opts)
	gateways := newGatewayReconciler(opts, tracker, routes, policies, parameters, bell)
	if err := errors.Join(setupStatuses(mgr, routes), setupStatuses(mgr, policies)); err != nil {
		return err
	}
	if config.Settings.NodeAgentPort != 0 {
		gateways.nodeAgent = delivery.NewNodeAgent(
			delivery.Options{Client: opts.Client, Live: opts.Live, Now: opts.Now}, config.Settings.OperatorNamespace)
		if err := mgr.Add(leaderOnly{gateways.nodeAgent}); err != nil {
			return fmt.Errorf("adding the keeper of the agents' certificate: %w", err)
		}
	}
	optional.classes = newClassReconciler(opts)
	optional.changes = gateways.changes
	w := watchers{reconciler: gateways, classReconciler: optional.classes}
	var errs [5]error
	w.gateways, errs[0] = setupGateways(mgr, gateways)
	w.classes, errs[1] = setupClasses(mgr, optional.classes)
	w.sets, errs[2] = newController(mgr, "listenerset", &ListenerSetReconciler{opts: opts, routes: routes}, routeWorkers)
	w.selectors, errs[3] = setupSelectors(mgr, &SelectorReconciler{opts: opts})
	w.parameters, errs[4] = setupParameters(mgr, parameters)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	if err := optional.watchAll(w.kinds()); err != nil {
		return err
	}
	return setupKinds(mgr, optional)
}

// watchers are the controllers that watch optional kinds.
type watchers struct {
	gateways, classes, sets, selectors, parameters controller.Controller

	reconciler      *GatewayReconciler
	classReconciler *ClassReconciler
}

// kinds are the optional kinds with who watches them.
func (w *watchers) kinds() []optionalKind {
	kinds := optionalKinds()
	for i := range kinds {
		kinds[i].watches = w.of(kinds[i].object)
		for j, older := range kinds[i].older {
			kinds[i].older[j].watches = w.of(older.object)
		}
	}
	return kinds
}

func (w *watchers) of(object client.Object) func(cache.Cache) map[controller.Controller]source.Source {
	watch := w.reconciler.watchOf(object)
	return func(objects cache.Cache) map[controller.Controller]source.Source {
		all := map[controller.Controller]source.Source{w.gateways: source.Kind(objects, object, watch.handler(w.reconciler.births), watch.predicate())}
		itself := func(matter func(before, after client.Object) bool) source.Source {
			return source.Kind[client.Object](objects, object, &handler.EnqueueRequestForObject{}, updates(matter))
		}
		switch object.(type) {
		case *gatewayv1.ListenerSet:
			all[w.sets] = itself(specChanged)
		case *gatewayxv1alpha1.XBackend:
			all[w.selectors] = itself(changed)
		case *v1alpha1.GatewayParameters:
			all[w.parameters] = itself(specChanged)
			all[w.classes] = source.Kind(objects, object, handler.EnqueueRequestsFromMapFunc(w.classReconciler.with), updates(specChanged))
		}
		return all
	}
}

func newGatewayReconciler(opts Options, tracker *proxies.Tracker, routes routeReconcilers, policies policyReconcilers,
	parameters *ParametersReconciler, bell *doorbell) *GatewayReconciler {
	rollouts := rollout.NewGate(rollout.Options{Fleets: fleetsOf(opts.Client), Wake: bell.ring, Now: opts.Now})
	opts.Metrics.Rollouts(rollouts.Counts)
	r := &GatewayReconciler{
		opts: opts, tracker: tracker, routes: routes, policies: policies, parameters: parameters, bell: bell,
		applier: apply.New(apply.Options{
			Client: opts.Client, Live: opts.Live, Kinds: fleetKinds(), Available: opts.Kinds.Available, Now: opts.Now,
		}),
		writer:   delivery.New(delivery.Options{Client: opts.Client, Live: opts.Live, Now: opts.Now}),
		events:   newAnnouncer(opts.Events),
		repairs:  newRepairs(),
		memories: newMemories(),
		changes:  newChangeLog(),
		culprits: newCulprits(),
		rests:    newRests(),
		rollouts: rollouts,
		reported: make(map[types.NamespacedName]*statusPace),
	}
	r.births = births{unserved: r.unserved, surge: newSurge(opts.Now)}
	return r
}

// leaderOnly makes a runnable wait for the leadership.
type leaderOnly struct{ manager.Runnable }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (leaderOnly) NeedLeaderElection() bool { return true }

// options has a controller fill its caches and queue before it leads, so that a
// new leader starts at once. In its queue namespaces take turns.
func options(r reconcile.Reconciler, workers int) controller.Options {
	warm := true
	return controller.Options{
		Reconciler: r, MaxConcurrentReconciles: workers, EnableWarmup: &warm, ReconciliationTimeout: reconcileWithin,
		RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, longestRetry),
		NewQueue: func(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
			return fairqueue.New(name, workers, limiter)
		},
	}
}

func newController(mgr patientManager, name string, r reconcile.Reconciler, workers int) (controller.Controller, error) {
	ctrl, err := controller.New(name, mgr, options(outageReconciler{mgr.patient(r)}, workers))
	if err != nil {
		return nil, fmt.Errorf("making the controller %s: %w", name, err)
	}
	return ctrl, nil
}

func setupGateways(mgr patientManager, r *GatewayReconciler) (controller.Controller, error) {
	ctrl, err := newController(mgr, "gateway", r, gatewayWorkers)
	if err != nil {
		return nil, err
	}
	sources := []source.Source{r.bell.source()}
	for _, w := range r.watches() {
		sources = append(sources, source.Kind(mgr.GetCache(), w.object, w.handler(r.births), w.predicate()))
	}
	return ctrl, add(ctrl, sources...)
}

func setupStatuses[S comparable, W any](mgr patientManager, writers map[string]*statusWriter[S, W]) error {
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

func setupClasses(mgr patientManager, r *ClassReconciler) (controller.Controller, error) {
	ctrl, err := newController(mgr, "gatewayclass", r, 1)
	if err != nil {
		return nil, err
	}
	byObject := handler.EnqueueRequestsFromMapFunc(r.classOf)
	return ctrl, add(ctrl, r.bell.source(),
		source.Kind[client.Object](mgr.GetCache(), &gatewayv1.GatewayClass{}, &handler.EnqueueRequestForObject{}),
		source.Kind[client.Object](mgr.GetCache(), &gatewayv1.Gateway{}, byObject, updates(specChanged)),
		source.Kind[client.Object](mgr.GetCache(), cluster.CRDMetadata(), byObject),
	)
}

func setupKinds(mgr patientManager, r *KindReconciler) error {
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
