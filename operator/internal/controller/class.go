package controller

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// gatewayCRD is the CRD whose annotations tell the version of the Gateway API, and
// its channel.
const gatewayCRD = "gateways." + gatewayv1.GroupName

// ClassReconciler accepts the GatewayClasses of our controller, and keeps each
// of them from being deleted while Gateways use it. It is safe for concurrent
// use with different classes.
type ClassReconciler struct {
	opts Options
	// bell is rung when the kinds that the cluster has are others.
	bell     *doorbell
	versions *versions
}

func newClassReconciler(opts Options) *ClassReconciler {
	empty := func() client.Object { return &gatewayv1.GatewayClass{} }
	return &ClassReconciler{opts: opts, bell: newDoorbell(0, opts.Now), versions: newVersions(opts, empty)}
}

// Reconcile implements reconcile.Reconciler. The request names a GatewayClass.
func (r *ClassReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	object, err := r.versions.read(ctx, request.NamespacedName)
	if err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	source := object.(*gatewayv1.GatewayClass)
	named, err := store.ReadClassParameters(ctx, r.opts.Reader, source)
	if err != nil {
		return reconcile.Result{}, err
	}
	class := graph.BuildClass(source, named, r.opts.Kinds.Missing(), r.opts.Graph)
	if class == nil {
		return reconcile.Result{}, nil
	}
	live, err := r.protect(ctx, source)
	return reconcile.Result{}, errors.Join(err, r.report(ctx, live, class))
}

// protect sets or removes the finalizer that the Gateway API has for classes in
// use. It returns the class as it is then.
func (r *ClassReconciler) protect(ctx context.Context, class *gatewayv1.GatewayClass) (*gatewayv1.GatewayClass, error) {
	var gateways gatewayv1.GatewayList
	// One is enough to know, of the thousand that a class may have.
	of := client.MatchingFields{store.GatewayByClass: class.Name}
	if err := r.opts.Reader.List(ctx, &gateways, of, client.Limit(1)); err != nil {
		return class, fmt.Errorf("listing the Gateways of class %s: %w", class.Name, err)
	}
	after := class.DeepCopy()
	used := len(gateways.Items) > 0
	switch {
	case used && class.DeletionTimestamp == nil && controllerutil.AddFinalizer(after, gatewayv1.GatewayClassFinalizerGatewaysExist):
	case !used && controllerutil.RemoveFinalizer(after, gatewayv1.GatewayClassFinalizerGatewaysExist):
	default:
		return class, nil
	}
	if err := r.opts.Client.Patch(ctx, after, optimistic(class), StatusManager); err != nil {
		return class, client.IgnoreNotFound(err)
	}
	r.versions.wrote(after)
	return after, nil
}

func (r *ClassReconciler) report(ctx context.Context, source *gatewayv1.GatewayClass, class *graph.Class) error {
	crds, err := r.crds(ctx)
	if err != nil {
		return err
	}
	want := status.BuildClass(class, crds)
	var after *gatewayv1.GatewayClass
	err = writeStatus(ctx, &r.opts, "GatewayClass", source,
		func(live *gatewayv1.GatewayClass) (_ *gatewayv1.GatewayClass, changed bool) {
			after = live.DeepCopy()
			after.Status, changed = status.MergeClass(live.Status, &want, conditions.At(r.opts.Now(), live))
			return after, changed
		})
	if err == nil {
		r.versions.wrote(after)
	}
	return err
}

// crds returns what the CRDs of the Gateway API say they are.
func (r *ClassReconciler) crds(ctx context.Context) (status.CRDs, error) {
	crd := cluster.CRDMetadata()
	if err := r.opts.Reader.Get(ctx, types.NamespacedName{Name: gatewayCRD}, crd); err != nil {
		return status.CRDs{}, fmt.Errorf("reading the CRD %s: %w", gatewayCRD, err)
	}
	return status.CRDs{
		Version: crd.Annotations[consts.BundleVersionAnnotation], Channel: crd.Annotations[consts.ChannelAnnotation],
		MissingKinds: r.opts.Kinds.Missing(),
	}, nil
}

// kindsChanged has all classes looked at, as what they support has changed.
func (r *ClassReconciler) kindsChanged(ctx context.Context) {
	for _, request := range r.all(ctx) {
		r.bell.ring(request.NamespacedName)
	}
}

// with leads from GatewayParameters to the classes that name them.
func (r *ClassReconciler) with(ctx context.Context, obj client.Object) []reconcile.Request {
	classes, err := store.ClassesWith(ctx, r.opts.Reader, client.ObjectKeyFromObject(obj))
	if err != nil {
		return nil
	}
	return requestsFor(classes)
}

// classOf leads from a Gateway to its class, and from the CRD of Gateways to
// all classes.
func (r *ClassReconciler) classOf(ctx context.Context, obj client.Object) []reconcile.Request {
	if gateway, ok := obj.(*gatewayv1.Gateway); ok {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: string(gateway.Spec.GatewayClassName)}}}
	}
	if obj.GetName() != gatewayCRD {
		return nil
	}
	return r.all(ctx)
}

func (r *ClassReconciler) all(ctx context.Context) []reconcile.Request {
	var classes gatewayv1.GatewayClassList
	if err := r.opts.Reader.List(ctx, &classes); err != nil {
		return nil
	}
	return requestsFor(classes.Items)
}

func requestsFor(classes []gatewayv1.GatewayClass) []reconcile.Request {
	requests := make([]reconcile.Request, len(classes))
	for i := range classes {
		requests[i].Name = classes[i].Name
	}
	return requests
}
