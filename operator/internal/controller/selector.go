package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// SelectorReconciler keeps a headless Service for each XBackend of type
// EndpointSelector that some Gateway of ours leads to, so that Kubernetes makes
// EndpointSlices of the pods that it selects (EndpointSelectorBackend). These carry
// the Service's labels, by which they are found, and are owned by it, by which they
// are told from others. That a Gateway leads to an XBackend is what the XBackend's
// status says.
type SelectorReconciler struct{ opts Options }

// Reconcile implements reconcile.Reconciler. The request names an XBackend. One that
// is gone takes its Service with it.
func (r *SelectorReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	backend := &gatewayxv1alpha1.XBackend{}
	if err := r.opts.Reader.Get(ctx, request.NamespacedName, backend); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if backend.DeletionTimestamp != nil {
		return reconcile.Result{}, nil
	}
	want := r.desired(backend)
	have, err := servicesOf(ctx, r.opts.Client, backend)
	if err == nil && want != nil && len(have) == 0 {
		// The cache may not know yet what was created a moment ago.
		have, err = servicesOf(ctx, r.opts.Live, backend)
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	switch {
	case want != nil && len(have) == 0:
		err = r.opts.Client.Create(ctx, want)
		r.wrote(ctx, "Created", want, err)
	case want != nil:
		err = errors.Join(r.update(ctx, have[0], want), r.remove(ctx, have[1:]))
	default:
		err = r.remove(ctx, have)
	}
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("keeping the Service of XBackend %s: %w", request.NamespacedName, err)
	}
	return reconcile.Result{}, nil
}

// servicesOf lists the Services that belong to the XBackend, the oldest first.
func servicesOf(ctx context.Context, from client.Reader, backend *gatewayxv1alpha1.XBackend) ([]corev1.Service, error) {
	var list corev1.ServiceList
	err := from.List(ctx, &list, client.InNamespace(backend.Namespace), client.MatchingLabels(selectorLabels(backend)))
	if err != nil {
		return nil, fmt.Errorf("listing the Services of XBackend %s: %w", backend.Name, err)
	}
	own := slices.DeleteFunc(list.Items, func(s corev1.Service) bool {
		ref := metav1.GetControllerOf(&s)
		return ref == nil || ref.UID != backend.UID || s.DeletionTimestamp != nil
	})
	slices.SortFunc(own, func(a, b corev1.Service) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return own, nil
}

func selectorLabels(backend *gatewayxv1alpha1.XBackend) map[string]string {
	return map[string]string{names.LabelManagedBy: names.ManagedBy, names.LabelXBackend: names.LabelValue(backend.Name)}
}

// desired returns nil for an XBackend that is to have no Service.
func (r *SelectorReconciler) desired(backend *gatewayxv1alpha1.XBackend) *corev1.Service {
	leads := slices.ContainsFunc(backend.Status.Ancestors, func(entry gatewayxv1alpha1.BackendAncestorStatus) bool {
		return string(entry.ControllerName) == r.opts.ControllerName
	})
	spec := &backend.Spec
	if !leads || spec.Type != gatewayxv1alpha1.BackendTypeEndpointSelector || spec.EndpointSelector == nil {
		return nil
	}
	selector := make(map[string]string, len(spec.EndpointSelector.MatchLabels))
	for key, value := range spec.EndpointSelector.MatchLabels {
		selector[string(key)] = string(value)
	}
	// A Service without a selector is one whose EndpointSlices others write.
	if len(selector) == 0 {
		return nil
	}
	port := int32(spec.Port.Number)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: backend.Namespace, GenerateName: names.SelectorPrefix(backend.Name), Labels: selectorLabels(backend),
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: gatewayxv1alpha1.GroupVersion.String(), Kind: store.KindXBackend,
				Name: backend.Name, UID: backend.UID, Controller: new(true),
			}},
		},
		Spec: corev1.ServiceSpec{
			ClusterIP: corev1.ClusterIPNone, Selector: selector,
			// As the fleet's own Service: pods have addresses of all families of the
			// cluster, and a cluster with one takes it.
			IPFamilyPolicy: new(corev1.IPFamilyPolicyPreferDualStack),
			Ports:          []corev1.ServicePort{{Port: port, TargetPort: intstr.FromInt32(port), Protocol: corev1.ProtocolTCP}},
		},
	}
	return service
}

// update brings what follows from the XBackend into the Service, and leaves alone
// what the API server has filled in.
func (r *SelectorReconciler) update(ctx context.Context, live corev1.Service, want *corev1.Service) error {
	after := live.DeepCopy()
	after.Spec.Selector, after.Spec.Ports, after.Spec.IPFamilyPolicy = want.Spec.Selector, want.Spec.Ports, want.Spec.IPFamilyPolicy
	if equality.Semantic.DeepEqual(live.Spec, after.Spec) {
		return nil
	}
	err := r.opts.Client.Patch(ctx, after, optimistic(&live))
	r.wrote(ctx, "Changed", after, err)
	return err
}

func (r *SelectorReconciler) remove(ctx context.Context, services []corev1.Service) error {
	var errs []error
	for i := range services {
		service := &services[i]
		err := client.IgnoreNotFound(r.opts.Client.Delete(ctx, service, client.Preconditions{UID: &service.UID}))
		r.wrote(ctx, "Removed", service, err)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *SelectorReconciler) wrote(ctx context.Context, did string, service *corev1.Service, err error) {
	if err == nil {
		log.FromContext(ctx).Info(did+" the Service of a selector", "service", service.Name)
		r.opts.Metrics.Object("write")
	}
}

// selectorOwner asks for the XBackend of a Service.
func selectorOwner(_ context.Context, obj client.Object) []reconcile.Request {
	ref := metav1.GetControllerOf(obj)
	if ref == nil || ref.Kind != store.KindXBackend {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: obj.GetNamespace(), Name: ref.Name}}}
}

func setupSelectors(mgr patientManager, r *SelectorReconciler) (controller.Controller, error) {
	ctrl, err := newController(mgr, "xbackendselector", r, routeWorkers)
	if err != nil {
		return nil, err
	}
	return ctrl, add(ctrl, source.Kind[client.Object](mgr.GetCache(), &corev1.Service{},
		handler.EnqueueRequestsFromMapFunc(selectorOwner), updates(changed)))
}
