package controller

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	utilversion "k8s.io/apimachinery/pkg/util/version"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// routabilityVersion is the first version whose experimental channel has the
// routability of addresses (GEP-5093).
var routabilityVersion = utilversion.MustParseGeneric("v1.7.0")

// routability tells by the CRD of Gateways whether the API server keeps that of
// addresses.
func (r *GatewayReconciler) routability(ctx context.Context) (status.Keeping, error) {
	crd := cluster.CRDMetadata()
	if err := r.opts.Reader.Get(ctx, types.NamespacedName{Name: gatewayCRD}, crd); err != nil {
		return "", fmt.Errorf("reading the CRD %s: %w", gatewayCRD, err)
	}
	switch crd.Annotations[consts.ChannelAnnotation] {
	case "standard":
		return status.Dropped, nil
	case "experimental":
		of, err := utilversion.ParseGeneric(crd.Annotations[consts.BundleVersionAnnotation])
		if err == nil && of.AtLeast(routabilityVersion) {
			return status.Kept, nil
		}
	}
	return "", nil
}

// reshaped finds all Gateways where it is their CRD that has changed: their
// statuses may have other fields now.
func (r *GatewayReconciler) reshaped(ctx context.Context, crd client.Object) []types.NamespacedName {
	if crd.GetName() != gatewayCRD {
		return nil
	}
	r.mu.Lock()
	r.shaped = r.opts.Now()
	r.mu.Unlock()
	var list gatewayv1.GatewayList
	if err := r.opts.Reader.List(ctx, &list); err != nil {
		log.FromContext(ctx).Error(err, "Could not list the Gateways after a change of their CRD")
		return nil
	}
	keys := make([]types.NamespacedName, len(list.Items))
	for i := range list.Items {
		keys[i] = client.ObjectKeyFromObject(&list.Items[i])
	}
	return keys
}

// unsettled returns how long a Gateway is to wait whose status was written and is
// not what was wanted: for some time after its CRD has changed, the API server has
// the old fields.
func (r *GatewayReconciler) unsettled(written *gatewayv1.Gateway, merge mergeGateway) time.Duration {
	if !r.reshapedLately() {
		return 0
	}
	if _, differs := merge(written.Status, conditions.At(r.opts.Now(), written)); differs {
		return establishPause
	}
	return 0
}

// reshapedLately says whether the API server may still have the fields that Gateways had
// before a change of their CRD.
func (r *GatewayReconciler) reshapedLately() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opts.Now().Sub(r.shaped) <= outdatedPause
}
