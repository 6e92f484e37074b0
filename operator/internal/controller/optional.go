package controller

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// How soon a CRD whose version is not served is looked at again: at first it is
// mostly being established, later it is mostly an old one.
const (
	establishPause = time.Second
	outdatedPause  = time.Minute
)

// builtInPause is the time between two looks for a kind that no CRD tells of.
const builtInPause = time.Minute

// optionalKind is a kind that a cluster need not have.
type optionalKind struct {
	kind    schema.GroupKind
	version string
	// crd is the name of its CustomResourceDefinition.
	crd string
	// object is an empty one.
	object client.Object
	// builtIn kinds have no CRD: crd is a name for the queue alone, and whether the
	// API server has the kind is asked again and again. older are their versions
	// that do as well, the newest first.
	builtIn bool
	older   []optionalKind
	// watches are the controllers that look at its objects.
	watches func(cache.Cache) map[controller.Controller]source.Source
}

// served returns the kind in the newest version that the API server has, or the
// error of a kind that it does not have.
func (k optionalKind) served(mapper meta.RESTMapper) (optionalKind, error) {
	_, err := mapper.RESTMapping(k.kind, k.version)
	if !meta.IsNoMatchError(err) {
		return k, err
	}
	for _, older := range k.older {
		if _, olderErr := mapper.RESTMapping(older.kind, older.version); !meta.IsNoMatchError(olderErr) {
			return older, olderErr
		}
	}
	return k, err
}

// monitorCRD is the CRD of ServiceMonitors.
const monitorCRD = "servicemonitors.monitoring.coreos.com"

// prometheusCRD is the CRD of what selects ServiceMonitors.
const prometheusCRD = "prometheuses.monitoring.coreos.com"

// The groups of the Gateway API's kinds.
var (
	gatewayGroup      = schema.GroupVersion(gatewayv1.GroupVersion)
	experimentalGroup = schema.GroupVersion(gatewayxv1alpha1.GroupVersion)
)

// optionalKinds are all of them, without their watches.
func optionalKinds() []optionalKind {
	all := []optionalKind{
		{kind: serviceMonitor, version: "v1", crd: monitorCRD, object: monitor()},
		{kind: prometheusKind, version: "v1", crd: prometheusCRD, object: &monitoringv1.Prometheus{}},
		gatewayKind(v1alpha1.GroupVersion, v1alpha1.KindGatewayParameters, "gatewayparameters", &v1alpha1.GatewayParameters{}),
		gatewayKind(gatewayGroup, store.KindListenerSet, "listenersets", &gatewayv1.ListenerSet{}),
		gatewayKind(gatewayGroup, "ReferenceGrant", "referencegrants", &gatewayv1.ReferenceGrant{}),
		gatewayKind(gatewayGroup, store.KindBackendTLSPolicy, "backendtlspolicies", &gatewayv1.BackendTLSPolicy{}),
		trustBundleKind(),
		gatewayKind(experimentalGroup, store.KindXBackend, "xbackends", &gatewayxv1alpha1.XBackend{}),
		gatewayKind(experimentalGroup, store.KindTrafficPolicy, "xbackendtrafficpolicies", &gatewayxv1alpha1.XBackendTrafficPolicy{}),
		gatewayKind(experimentalGroup, store.KindTelemetryPolicy, "xtelemetrypolicies", &gatewayxv1alpha1.XTelemetryPolicy{}),
	}
	for _, route := range store.RouteKinds() {
		all = append(all, gatewayKind(gatewayGroup, route.Name, strings.ToLower(route.Name)+"s", route.New()))
	}
	return all
}

func gatewayKind(of schema.GroupVersion, name, plural string, object client.Object) optionalKind {
	return optionalKind{
		kind:    of.WithKind(name).GroupKind(),
		version: of.Version,
		crd:     plural + "." + of.Group,
		object:  object,
	}
}

func optionalGroupKinds() []schema.GroupKind {
	var list []schema.GroupKind
	for _, optional := range optionalKinds() {
		list = append(list, optional.kind)
	}
	return list
}

// KindReconciler follows which of the optional kinds the cluster has. When the
// CRD of one comes, its objects are indexed and watched, and all Gateways are
// looked at; when it goes, the watch ends, and its objects are gone.
type KindReconciler struct {
	opts    Options
	cache   cache.Cache
	mapper  meta.RESTMapper
	indexer client.FieldIndexer
	kinds   []optionalKind
	bell    *doorbell
	classes *ClassReconciler
	changes *changeLog

	mu       sync.Mutex
	watching map[schema.GroupKind]client.Object
}

// begin indexes what is there already, before anything is reconciled: a Gateway
// must not lose its routes because their kind is found a moment later.
func (r *KindReconciler) begin(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, optional := range optionalKinds() {
		optional, err := optional.served(r.mapper)
		if meta.IsNoMatchError(err) {
			continue
		}
		if err == nil {
			err = r.index(ctx, optional)
		}
		if err != nil {
			return fmt.Errorf("looking for %s: %w", optional.kind, err)
		}
		r.found(ctx, optional)
	}
	return nil
}

// watchAll sets who watches the kinds, and has those watched that are there.
func (r *KindReconciler) watchAll(kinds []optionalKind) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds = kinds
	for _, optional := range kinds {
		for _, version := range append([]optionalKind{optional}, optional.older...) {
			if !r.watches(version) {
				continue
			}
			if err := r.watch(version); err != nil {
				return err
			}
		}
	}
	return nil
}

// watches says whether the kind is watched, in this version.
func (r *KindReconciler) watches(optional optionalKind) bool {
	object := r.watching[optional.kind]
	return object != nil && reflect.TypeOf(object) == reflect.TypeOf(optional.object)
}

// Reconcile implements reconcile.Reconciler. The request names a CRD.
func (r *KindReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.kinds, func(k optionalKind) bool { return k.crd == request.Name })
	if i < 0 {
		return reconcile.Result{}, nil
	}
	optional := r.kinds[i]
	if optional.builtIn {
		return reconcile.Result{RequeueAfter: builtInPause}, r.lookAgain(ctx, optional)
	}
	crd := cluster.CRDMetadata()
	err := r.opts.Reader.Get(ctx, client.ObjectKey{Name: optional.crd}, crd)
	switch {
	case apierrors.IsNotFound(err):
		return reconcile.Result{}, r.stop(ctx, optional)
	case err != nil:
		return reconcile.Result{}, fmt.Errorf("reading the CRD %s: %w", optional.crd, err)
	case r.watches(optional):
		return reconcile.Result{}, nil
	}
	if !r.answers(ctx, optional) {
		if r.opts.Now().Sub(crd.CreationTimestamp.Time) > outdatedPause {
			return reconcile.Result{RequeueAfter: outdatedPause}, nil
		}
		return reconcile.Result{RequeueAfter: establishPause}, nil
	}
	if err := r.start(ctx, optional); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{}, r.wakeAll(ctx)
}

// answers says whether the API server serves the kind. It is asked, as the mapper
// remembers a kind that was removed: to read one that is not served would block all
// Gateways.
func (r *KindReconciler) answers(ctx context.Context, optional optionalKind) bool {
	if _, err := r.mapper.RESTMapping(optional.kind, optional.version); err != nil {
		return false
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: optional.kind.Group, Version: optional.version, Kind: optional.kind.Kind + "List"})
	err := r.opts.Live.List(ctx, list, client.Limit(1))
	return !apierrors.IsNotFound(err) && !meta.IsNoMatchError(err)
}

// start indexes and watches a kind. What it has done of that it undoes when it
// fails, as it is called again.
func (r *KindReconciler) start(ctx context.Context, optional optionalKind) error {
	err := r.index(ctx, optional)
	if err == nil {
		err = r.watch(optional)
	}
	if err != nil {
		return errors.Join(err, r.cache.RemoveInformer(ctx, optional.object))
	}
	r.found(ctx, optional)
	return nil
}

func (r *KindReconciler) index(ctx context.Context, optional optionalKind) error {
	err := store.IndexFields(ctx, r.indexer, func(obj client.Object) bool {
		return reflect.TypeOf(obj) == reflect.TypeOf(optional.object)
	})
	if err != nil {
		return fmt.Errorf("indexing %s: %w", optional.kind, err)
	}
	return nil
}

func (r *KindReconciler) watch(optional optionalKind) error {
	for ctrl, watched := range optional.watches(r.cache) {
		if err := ctrl.Watch(watched); err != nil {
			return fmt.Errorf("watching %s: %w", optional.kind, err)
		}
	}
	return nil
}

func (r *KindReconciler) found(ctx context.Context, optional optionalKind) {
	r.watching[optional.kind] = optional.object
	r.opts.Kinds.SetVersion(optional.kind, optional.version)
	r.opts.Kinds.Set(optional.kind, true)
	log.FromContext(ctx).Info("The cluster has an optional kind", "kind", optional.kind.String())
}

func (r *KindReconciler) stop(ctx context.Context, optional optionalKind) error {
	r.opts.Kinds.Set(optional.kind, false)
	object := r.watching[optional.kind]
	if object == nil {
		return nil
	}
	r.watching[optional.kind] = nil
	log.FromContext(ctx).Info("The cluster has lost an optional kind", "kind", optional.kind.String())
	if err := r.cache.RemoveInformer(ctx, object); err != nil {
		return fmt.Errorf("ending the watch of %s: %w", optional.kind, err)
	}
	return r.wakeAll(ctx)
}

func (r *KindReconciler) wakeAll(ctx context.Context) error {
	r.changes.forgetAll()
	r.classes.kindsChanged(ctx)
	var list gatewayv1.GatewayList
	if err := r.opts.Reader.List(ctx, &list); err != nil {
		return fmt.Errorf("listing Gateways: %w", err)
	}
	for i := range list.Items {
		r.bell.ring(client.ObjectKeyFromObject(&list.Items[i]))
	}
	return nil
}
