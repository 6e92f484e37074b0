package controller

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// parametersPause is the least time between two writes to the status of
// GatewayParameters that Gateways cause. A class may have a thousand of them: while they
// keep coming, it becomes longestParametersPause.
const (
	parametersPause        = time.Second
	longestParametersPause = 8 * time.Second
)

// ParametersReconciler writes to the status of GatewayParameters who uses them, and
// what of them is refused. It is safe for concurrent use with different ones.
type ParametersReconciler struct {
	opts Options
	bell *doorbell
	// merge is parameters.Merge, except in tests.
	merge func(class, own *v1alpha1.GatewayParametersSpec) (parameters.Effective, []parameters.Refusal)

	mu sync.Mutex
	// uses are what became of parameters in each Gateway that was looked at.
	uses map[types.NamespacedName]parametersUse
}

// parametersUse is what became of parameters in one Gateway.
type parametersUse struct {
	// class and own are the parameters that the class and the Gateway name.
	class, own types.NamespacedName
	refused    []parameters.Refusal
}

// of returns what was refused of the parameters in the layers that they are.
func (u *parametersUse) of(key types.NamespacedName) []v1alpha1.RefusedField {
	var fields []v1alpha1.RefusedField
	if u.class == key {
		fields = append(fields, status.RefusedFields(u.refused, parameters.LayerClass)...)
	}
	if u.own == key {
		fields = append(fields, status.RefusedFields(u.refused, parameters.LayerGateway)...)
	}
	return fields
}

func newParametersReconciler(opts Options) *ParametersReconciler {
	bell := newDoorbell(parametersPause, opts.Now)
	bell.longest = longestParametersPause
	return &ParametersReconciler{
		opts: opts, bell: bell, merge: parameters.Merge, uses: make(map[types.NamespacedName]parametersUse),
	}
}

// note remembers what became of parameters in a Gateway, and has the status of those
// looked at that it concerns.
func (r *ParametersReconciler) note(gateway types.NamespacedName, use parametersUse) {
	r.mu.Lock()
	before, known := r.uses[gateway]
	same := known && reflect.DeepEqual(before, use)
	r.uses[gateway] = use
	r.mu.Unlock()
	if !same {
		r.ring(before, use)
	}
}

// forget is note for a Gateway that is gone, or not ours any more.
func (r *ParametersReconciler) forget(gateway types.NamespacedName) {
	r.mu.Lock()
	before := r.uses[gateway]
	delete(r.uses, gateway)
	r.mu.Unlock()
	r.ring(before)
}

func (r *ParametersReconciler) ring(uses ...parametersUse) {
	for _, use := range uses {
		for _, key := range []types.NamespacedName{use.class, use.own} {
			if key.Name != "" {
				r.bell.ringSlowly(key)
			}
		}
	}
}

// Reconcile implements reconcile.Reconciler. The request names GatewayParameters.
func (r *ParametersReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	key := request.NamespacedName
	source := &v1alpha1.GatewayParameters{}
	if err := r.opts.Reader.Get(ctx, key, source); err != nil {
		r.bell.forget(key)
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	use, err := r.use(ctx, source)
	if err != nil {
		return reconcile.Result{}, err
	}
	want := status.BuildParameters(source, use)
	told := true
	err = writeStatus(ctx, &r.opts, v1alpha1.KindGatewayParameters, source,
		func(live *v1alpha1.GatewayParameters) (_ *v1alpha1.GatewayParameters, changed bool) {
			after := live.DeepCopy()
			after.Status, changed = status.MergeParameters(live.Status, &want, conditions.At(r.opts.Now(), live))
			told = tell(live.Status.Conditions, want.Conditions[0].Message)
			return after, changed
		})
	if err == nil && !told && want.Conditions[0].Reason == v1alpha1.ReasonInternalError {
		brokenParameters(r.opts.Events, source, want.Conditions[0].Message)
	}
	return reconcile.Result{}, err
}

// use gathers who uses the parameters.
func (r *ParametersReconciler) use(ctx context.Context, source *v1alpha1.GatewayParameters) (*status.ParametersUse, error) {
	key := client.ObjectKeyFromObject(source)
	classes, err := store.ClassesWith(ctx, r.opts.Reader, key)
	if err != nil {
		return nil, err
	}
	use := &status.ParametersUse{}
	for i := range classes {
		if r.ours(&classes[i]) {
			use.Classes++
		}
	}
	if use.Classes > 0 {
		use.Refused = r.refusedToAll(ctx, source)
	}
	gateways, err := store.GatewaysFor(ctx, r.opts.Reader, source)
	if err != nil {
		return nil, err
	}
	for _, gateway := range gateways {
		served, err := r.served(ctx, gateway)
		if err != nil {
			return nil, err
		}
		if served {
			use.Gateways = append(use.Gateways, v1alpha1.GatewayUse{
				Namespace: gateway.Namespace, Name: gateway.Name, Refused: r.refused(source, gateway),
			})
		}
	}
	return use, nil
}

// refusedToAll returns what no Gateway of a class with the parameters gets, if it has any.
func (r *ParametersReconciler) refusedToAll(ctx context.Context, source *v1alpha1.GatewayParameters) []v1alpha1.RefusedField {
	var refused []parameters.Refusal
	err := contain(func() { _, refused = r.merge(&source.Spec, nil) })
	var panicked *panicError
	if errors.As(err, &panicked) {
		log.FromContext(ctx).Error(panicked, "Reading parameters panicked", "stack", string(panicked.stack))
		c := newCulprit(store.ObjectKey{Kind: v1alpha1.KindGatewayParameters, NamespacedName: client.ObjectKeyFromObject(source)}, source, panicked)
		refused = []parameters.Refusal{{Layer: parameters.LayerClass, Message: c.says()}}
	}
	return status.RefusedFields(refused, parameters.LayerClass)
}

func (r *ParametersReconciler) ours(class *gatewayv1.GatewayClass) bool {
	return string(class.Spec.ControllerName) == r.opts.ControllerName
}

// served says whether the Gateway is of a class of ours.
func (r *ParametersReconciler) served(ctx context.Context, key types.NamespacedName) (bool, error) {
	gateway, class := &gatewayv1.Gateway{}, &gatewayv1.GatewayClass{}
	if err := r.opts.Reader.Get(ctx, key, gateway); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	err := r.opts.Reader.Get(ctx, types.NamespacedName{Name: string(gateway.Spec.GatewayClassName)}, class)
	return err == nil && r.ours(class), client.IgnoreNotFound(err)
}

// refused returns what is refused to a Gateway. Of one that this process has not
// looked at yet it is what the status says already.
func (r *ParametersReconciler) refused(source *v1alpha1.GatewayParameters, gateway types.NamespacedName) []v1alpha1.RefusedField {
	r.mu.Lock()
	use, known := r.uses[gateway]
	r.mu.Unlock()
	if !known {
		return status.Reported(&source.Status, gateway)
	}
	return use.of(client.ObjectKeyFromObject(source))
}

// parametersOf leads from a GatewayClass to its parameters.
func parametersOf(_ context.Context, obj client.Object) []reconcile.Request {
	if key, named := store.ClassParameters(obj.(*gatewayv1.GatewayClass)); named {
		return []reconcile.Request{{NamespacedName: key}}
	}
	return nil
}

func setupParameters(mgr patientManager, r *ParametersReconciler) (controller.Controller, error) {
	ctrl, err := newController(mgr, "gatewayparameters", r, 1)
	if err != nil {
		return nil, err
	}
	return ctrl, add(ctrl, r.bell.source(),
		source.Kind[client.Object](mgr.GetCache(), &gatewayv1.GatewayClass{}, handler.EnqueueRequestsFromMapFunc(parametersOf), updates(specChanged)))
}
