package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/proxies"
	"github.com/fleetgate/fleetgate/operator/internal/rollout"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// GatewayReconciler brings one Gateway's fleet, configuration and status into
// the state that follows from the objects that belong to it. It is safe for
// concurrent use with different Gateways.
type GatewayReconciler struct {
	opts    Options
	applier *apply.Applier
	writer  *delivery.Writer
	// nodeAgent is nil where nodes have none.
	nodeAgent *delivery.NodeAgent
	tracker   *proxies.Tracker
	events    *announcer
	routes    routeReconcilers
	policies  policyReconcilers
	bell      *doorbell
	repairs   *repairs
	memories  *memories
	changes   *changeLog
	culprits  *culprits
	rests     *rests
	// parameters are told what became of them.
	parameters *ParametersReconciler
	rollouts   *rollout.Gate
	births     births

	mu sync.Mutex
	// reported is how the status of each Gateway has been written so far.
	reported map[types.NamespacedName]*statusPace
	// shaped is when the CRD of Gateways was seen to change last.
	shaped time.Time
}

// Reconcile implements reconcile.Reconciler.
func (r *GatewayReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	key, began := request.NamespacedName, r.opts.Now()
	if rest := r.rests.left(key, began); rest > 0 {
		return reconcile.Result{RequeueAfter: rest}, nil
	}
	known, resources, err := r.collect(ctx, key)
	switch {
	case err != nil:
		return reconcile.Result{}, err
	case resources == nil:
		r.forget(key)
		return reconcile.Result{}, r.detach(ctx, key, parentGone)
	case resources.Gateway.DeletionTimestamp != nil, leaving(resources):
		// Others hold it back, or its namespace goes, in which nothing can be made any
		// more. Its fleet serves until it is gone.
		return reconcile.Result{}, nil
	case resources.Class == nil:
		return reconcile.Result{}, r.release(ctx, resources.Gateway)
	}
	return r.run(ctx, began, resources, known)
}

// anewAfter is how long changes are followed before everything is read again, and
// anewEach by how much that is longer for each route. It costs next to nothing that often,
// some 5 KB of memory for each route, and an event that was not told of does no harm for
// longer.
const (
	anewAfter = time.Minute
	anewEach  = 120 * time.Millisecond
)

// outdated says whether everything is to be read again.
func (m *memory) outdated(now time.Time) bool {
	return now.Sub(m.anew) >= anewAfter+time.Duration(m.routes)*anewEach
}

// collect reads what belongs to the Gateway, as far as it has changed, and returns what
// is remembered of it with that.
func (r *GatewayReconciler) collect(ctx context.Context, key types.NamespacedName) (*memory, *store.Resources, error) {
	known := r.memories.take(key)
	heard := r.changes.take(key)
	changes := heard.changes
	missing := r.opts.Kinds.Missing()
	if slices.Sort(missing); !slices.Equal(missing, known.missing) {
		known.missing, changes = missing, nil
	}
	if now := r.opts.Now(); changes == nil || known.outdated(now) {
		known.anew, changes = now, nil
	}
	if changes == nil || heard.fleet {
		known.steady = nil
	}
	resources, err := known.resources.Collect(ctx, r.opts.Reader, key, r.opts.ControllerName, changes)
	if resources != nil {
		// Where it was read anew, it may be another Gateway of that name.
		anew := !resources.Followed()
		if anew || heard.fleet {
			known.certificates = nil
		}
		if anew || heard.pods {
			known.pods = nil
		}
		known.routes = len(resources.HTTPRoutes) + len(resources.GRPCRoutes) + len(resources.L4Routes)
		resources.MissingKinds = missing
		resources.Gateway = r.newest(resources.Gateway)
	}
	return known, resources, err
}

// leaving says whether the Gateway's namespace is about to go.
func leaving(resources *store.Resources) bool {
	namespace := resources.Namespaces[resources.Gateway.Namespace]
	return namespace != nil && namespace.DeletionTimestamp != nil
}

// run goes the way from the resources to the status.
func (r *GatewayReconciler) run(ctx context.Context, began time.Time, resources *store.Resources, known *memory) (reconcile.Result, error) {
	w, err := r.begin(ctx, resources, known)
	if err != nil {
		return reconcile.Result{}, err
	}
	resources.LastParameters = w.live.parameters()
	settings := r.opts.Settings
	settings.ServiceMonitor = r.opts.Kinds.Has(serviceMonitor)
	sensor, refused := chooseSensor(resources.Namespaces[w.key.Namespace], w.live)
	settings.Auto, w.sensor = sensor, sensor
	w.trustAgents(&settings)
	outlined := known.steady != nil
	err = w.translate(settings, refused)
	r.noteTime(w, began, known.routes)
	if err == nil && outlined && !w.plan.steady {
		// What is to be compared with is all of the workloads, and not what of a steady fleet's
		// is kept.
		w.live, err = r.liveOf(ctx, w.owner, w.names.Name())
	}
	var result reconcile.Result
	if err == nil {
		result, err = w.carryOut()
	}
	var panicked *panicError
	if errors.As(err, &panicked) {
		return r.giveUp(ctx, w.gateway, panicked)
	}
	r.events.lasts(w.gateway, TranslationFailed, "Translate", "")
	return result, err
}

// noteTime notes how long the translation of so many routes has taken, of a look that
// began before. Where all was read anew, or what panics was searched for, the Gateway may
// come to rest.
func (r *GatewayReconciler) noteTime(w *work, began time.Time, routes int) {
	now := r.opts.Now()
	r.opts.Metrics.BuildTook(now.Sub(w.started))
	if w.searched || !w.resources.Followed() && routes >= fewRoutes {
		r.rests.note(w.key, now.Sub(began), now)
	}
}

// begin returns the work on a Gateway with what is needed before translation.
func (r *GatewayReconciler) begin(ctx context.Context, resources *store.Resources, known *memory) (*work, error) {
	gateway := resources.Gateway
	w := &work{
		GatewayReconciler: r, ctx: ctx, started: r.opts.Now(), resources: resources, known: known,
		gateway: gateway, key: client.ObjectKeyFromObject(gateway), owner: ownerOf(gateway),
		names: names.ForGateway(gateway.Name, string(gateway.Spec.GatewayClassName)),
	}
	return w, w.readFleet()
}

// forget drops everything that is remembered of a Gateway that is gone. Its
// objects are the garbage collector's.
func (r *GatewayReconciler) forget(key types.NamespacedName) {
	r.applier.Forget(key)
	r.writer.Forget(key)
	r.tracker.Forget(key)
	r.events.forget(key)
	r.repairs.forget(key)
	r.memories.forget(key)
	r.changes.forget(key)
	r.culprits.forget(key)
	r.rests.forget(key)
	r.parameters.forget(key)
	r.rollouts.Leave(key, "")
	r.bell.forget(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.reported, key)
}

// release takes back what a Gateway of another controller has of us, as its
// class was changed. While its class does not exist at all, everything stays:
// classes come back, and a Service's address does not.
func (r *GatewayReconciler) release(ctx context.Context, gateway *gatewayv1.Gateway) error {
	class := &gatewayv1.GatewayClass{}
	err := r.opts.Client.Get(ctx, types.NamespacedName{Name: string(gateway.Spec.GatewayClassName)}, class)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading GatewayClass %s: %w", gateway.Spec.GatewayClassName, err)
	}
	result, err := r.applier.Sync(ctx, ownerOf(gateway), nil)
	r.wrote(ctx, result)
	key := client.ObjectKeyFromObject(gateway)
	r.forget(key)
	return errors.Join(err, r.detach(ctx, key, parentForeign))
}

// detach removes our entries from the status of routes that do not name the
// Gateway any more, or that name one that is not ours, and from those of its
// ListenerSets and its policies. The ListenerSets say what has become of it.
func (r *GatewayReconciler) detach(ctx context.Context, gateway types.NamespacedName, as parent) error {
	routes, err := store.Reporting(ctx, r.opts.Reader, gateway, r.opts.ControllerName)
	for _, route := range routes {
		r.routes.withdraw(route, speaker{gateway: gateway})
	}
	if err != nil {
		return err
	}
	var list gatewayv1.ListenerSetList
	if err := r.opts.Reader.List(ctx, &list, client.MatchingFields{store.ListenerSetByGateway: gateway.String()}); err != nil {
		return fmt.Errorf("listing the ListenerSets of %s: %w", gateway, err)
	}
	errs := []error{r.withdrawPolicies(ctx, gateway, func(store.PolicyKey) bool { return false })}
	for i := range list.Items {
		errs = append(errs, withdrawSet(ctx, r.opts, r.routes, &list.Items[i], as))
	}
	return errors.Join(errs...)
}

// wrote logs and counts what an Applier did.
func (r *GatewayReconciler) wrote(ctx context.Context, result apply.Result) {
	if len(result.Written) > 0 {
		log.FromContext(ctx).Info("Wrote objects", "objects", result.Written)
	}
	for range result.Written {
		r.opts.Metrics.Object("write")
	}
}

func ownerOf(gateway *gatewayv1.Gateway) apply.Owner {
	labels := names.Labels(gateway.Name, string(gateway.Spec.GatewayClassName))
	return apply.Owner{
		NamespacedName: client.ObjectKeyFromObject(gateway),
		UID:            gateway.UID,
		Labels:         labels,
		Selector: map[string]string{
			names.LabelGateway:   labels[names.LabelGateway],
			names.LabelManagedBy: labels[names.LabelManagedBy],
		},
	}
}

// fleetKinds are all kinds that the objects of a fleet have.
func fleetKinds() []client.Object {
	kinds := ownedKinds()
	return append(kinds, cluster.ConfigMapMetadata(), cluster.SecretMetadata(), monitor())
}
