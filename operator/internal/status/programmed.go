package status

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

// programmed says whether clients can reach the Gateway as it is in the spec.
//
// It becomes True once all ready proxies serve what was rendered, and stays so
// while routes come and go: then some proxies are behind for a moment, and the
// message alone says so. A new generation of the Gateway has to earn it again.
func (b *builder) programmed() metav1.Condition {
	const typ = gatewayv1.GatewayConditionProgrammed
	if b.obstacle.reason != "" {
		return b.gatewayCondition(typ, metav1.ConditionFalse, b.obstacle.reason, conditions.Join(append([]string{b.obstacle.message}, b.troubles()...)))
	}
	return b.gatewayCondition(typ, metav1.ConditionTrue, gatewayv1.GatewayReasonProgrammed,
		conditions.Join(append([]string{b.count()}, b.troubles()...)))
}

// obstacle is why a Gateway is not programmed. Its reason is empty where nothing is in
// the way.
type obstacle struct {
	reason  gatewayv1.GatewayConditionReason
	message string
}

// findObstacle goes through all listeners at worst, and so is asked once for all of them.
func (b *builder) findObstacle() obstacle {
	o := &b.observed
	switch {
	case !b.gateway.Accepted():
		return obstacle{gatewayv1.GatewayReasonInvalid, "The Gateway is not accepted"}
	case !b.gateway.HasListener((*graph.Listener).Serves):
		return obstacle{gatewayv1.GatewayReasonInvalid, "No listener can be served"}
	case o.Ready == 0 && len(o.Problems) > 0:
		return obstacle{gatewayv1.GatewayReasonNoResources, "The fleet cannot be created"}
	case len(b.missingAddresses()) > 0 && b.partly():
		return obstacle{gatewayv1.GatewayReasonAddressNotUsable,
			"spec.addresses asks for what the load balancer has not assigned: " + strings.Join(b.missingAddresses(), ", ")}
	case len(assign(b.gateway.Requests, o).addresses) == 0:
		return obstacle{gatewayv1.GatewayReasonAddressNotAssigned, b.addressesAssigned().Message}
	case o.Ready == 0 && b.wasProgrammed():
		return obstacle{gatewayv1.GatewayReasonNoResources, fmt.Sprintf("0/%d proxies are ready", o.Wanted)}
	case o.Ready == 0:
		return obstacle{gatewayv1.GatewayReasonPending, fmt.Sprintf("0/%d proxies are ready", o.Wanted)}
	case o.Serving < o.Ready && !b.wasProgrammed():
		return obstacle{gatewayv1.GatewayReasonPending, b.count()}
	}
	return obstacle{}
}

// troubles are what is wrong without being in the way of traffic.
func (b *builder) troubles() []string {
	troubles := slices.Concat(b.observed.Problems, b.observed.Rejected, elsewhere(b.observed.Refused))
	if b.observed.Repaired != "" {
		troubles = append(troubles, b.observed.Repaired)
	}
	if b.observed.Sensor != "" {
		troubles = append(troubles, b.observed.Sensor)
	}
	return troubles
}

func (b *builder) count() string {
	wanted := max(b.observed.Wanted, b.observed.Ready)
	return fmt.Sprintf("%d/%d proxies on %s", b.observed.Serving, wanted, short(b.observed.Hash))
}

// short is as much of a hash as people compare.
func short(hash string) string {
	const digits = 8
	if len(hash) <= digits {
		return hash
	}
	return hash[:digits] + "…"
}

func (b *builder) wasProgrammed() bool {
	source := b.gateway.Source
	live := conditions.Find(source.Status.Conditions, string(gatewayv1.GatewayConditionProgrammed))
	return stands(live, source.Generation)
}

func stands(live *metav1.Condition, generation int64) bool {
	return live != nil && live.Status == metav1.ConditionTrue && live.ObservedGeneration == generation
}

// partly says whether some of the addresses that are asked for may be had. Where
// none can, the reason is another one (GEP-5093). A Service asks the load balancer
// for one address alone: of the others nobody knows.
func (b *builder) partly() bool {
	return len(b.gateway.Addresses) > 1 || len(assign(b.gateway.Requests, &b.observed).addresses) > 0
}

func (b *builder) missingAddresses() []string {
	var missing []string
	for _, wanted := range b.gateway.Addresses {
		if !slices.ContainsFunc(b.observed.Addresses, func(have gatewayv1.GatewayStatusAddress) bool {
			// It may be written in another way.
			address, err := netip.ParseAddr(have.Value)
			return err == nil && address.Unmap() == wanted
		}) {
			missing = append(missing, wanted.String())
		}
	}
	return missing
}
