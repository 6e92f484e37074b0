package e2e

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
)

// badInput is one of each mistake that a user can make, beside what serves.
const badInput = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: web
  namespace: {{.Namespace}}
spec:
  gatewayClassName: fleetgate
  listeners:
  - name: http
    protocol: HTTP
    port: 80
  - name: odd
    protocol: example.com/telepathy
    port: 81
  - name: secure
    protocol: HTTPS
    port: 443
    tls:
      certificateRefs:
      - name: nowhere
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: missing-service
  namespace: {{.Namespace}}
spec:
  parentRefs:
  - name: web
    sectionName: http
  hostnames: [missing.example.com]
  rules:
  - backendRefs:
    - name: nowhere
      port: 8080
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: bad-regex
  namespace: {{.Namespace}}
spec:
  parentRefs:
  - name: web
    sectionName: http
  hostnames: [regex.example.com]
  rules:
  - matches:
    - path: {type: RegularExpression, value: "/(unclosed"}
    backendRefs:
    - name: shop
      port: 8080
  - matches:
    - path: {type: PathPrefix, value: /fine}
    backendRefs:
    - name: shop
      port: 8080
`

func TestBadInputGetsItsConditionAndDisturbsNothingElse(t *testing.T) {
	t.Parallel()
	s := settled(t, "bad-input")
	run := s.load("shop.example.com", load.Options{Workers: 2})
	s.applyText(badInput, nil)

	s.wantListener("odd", "Accepted", metav1.ConditionFalse, "UnsupportedProtocol")
	s.wantListener("secure", "ResolvedRefs", metav1.ConditionFalse, "InvalidCertificateRef")
	s.wantListener("http", "Programmed", metav1.ConditionTrue, "Programmed")
	s.wantRoute("missing-service", "ResolvedRefs", metav1.ConditionFalse, "BackendNotFound")
	s.wantRoute("bad-regex", "PartiallyInvalid", metav1.ConditionTrue, "UnsupportedValue")
	s.waitFor("missing.example.com", "/", answer{Status: http.StatusInternalServerError})
	s.waitFor("regex.example.com", "/fine", answer{Status: http.StatusOK, Name: s.namespace, Version: "shop"})
	wantNoneFailed(t, run, 2_000)
}

func (s *tenantSpace) wantListener(listener, condition string, status metav1.ConditionStatus, reason string) {
	s.t.Helper()
	gateway := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "web"}}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	err := client.Wait(ctx, cluster.Cluster, gateway, func(g *gatewayv1.Gateway) error {
		for _, l := range g.Status.Listeners {
			if string(l.Name) == listener {
				return hasReason(l.Conditions, condition, status, reason, g.Generation)
			}
		}
		return errors.New("the listener has no status")
	})
	if err != nil {
		s.t.Errorf("listener %s: %v", listener, err)
	}
}

func (s *tenantSpace) wantRoute(route, condition string, status metav1.ConditionStatus, reason string) {
	s.t.Helper()
	object := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: route}}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	err := client.Wait(ctx, cluster.Cluster, object, func(r *gatewayv1.HTTPRoute) error {
		if len(r.Status.Parents) != 1 {
			return errors.New("the route does not have one parent in its status")
		}
		return hasReason(r.Status.Parents[0].Conditions, condition, status, reason, r.Generation)
	})
	if err != nil {
		s.t.Error(err)
	}
}

func hasReason(conditions []metav1.Condition, kind string, status metav1.ConditionStatus, reason string, generation int64) error {
	if err := client.HasCondition(conditions, kind, status, generation); err != nil {
		return err
	}
	for _, c := range conditions {
		if c.Type == kind && c.Reason != reason {
			return errors.New("condition " + kind + " has reason " + c.Reason + ", want " + reason)
		}
	}
	return nil
}
