package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/stack"
	"github.com/fleetgate/fleetgate/test/internal/tenant"
)

func TestCorruptedConfigMapDoesNotDisturbTrafficAndShows(t *testing.T) {
	s := settled(t, "corrupted")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	run := s.load("shop.example.com", load.Options{Workers: 2})

	// Without the operator nobody mends the ConfigMap, and the proxies are alone
	// with it.
	scaleOperator(ctx, t, 0)
	s.wantTold(t, "FleetgateOperatorDown", "get deployment", "0/0")
	s.corrupt(ctx)
	s.waitReloadGauge(ctx, 0)
	s.wantTold(t, "FleetgateConfigRefused", "logs", "Refused configuration")

	// With it, the Gateway tells of the damage, and the damage is mended.
	scaleOperator(ctx, t, 1)
	s.waitEvent(ctx, "ConfigRepaired")
	s.wantTold(t, "FleetgateConfigRefused", "describe gateway", "ConfigRepaired")
	s.waitMessage(ctx, "was replaced, as it was not what had been stored")
	s.waitReloadGauge(ctx, 1)
	wantNoneFailed(t, run, 2_000)
}

func scaleOperator(ctx context.Context, t *testing.T, replicas int) {
	t.Helper()
	if _, err := cluster.Kubectl(ctx, "scale", "deployment", stack.Operator, "-n", stack.Namespace, fmt.Sprintf("--replicas=%d", replicas)); err != nil {
		t.Fatal(err)
	}
	if err := cluster.WaitDeployment(ctx, stack.Namespace, stack.Operator); err != nil {
		t.Fatal(err)
	}
	if replicas > 0 {
		return
	}
	err := client.Poll(ctx, func(ctx context.Context) error {
		var pods corev1.PodList
		err := cluster.Client.List(ctx, &pods, ctrlclient.InNamespace(stack.Namespace), ctrlclient.MatchingLabels{"control-plane": "controller-manager"})
		if err != nil {
			return err
		}
		if len(pods.Items) > 0 {
			return fmt.Errorf("%d pods of the operator are left", len(pods.Items))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { scaleOperator(context.WithoutCancel(ctx), t, 1) })
}

// corrupt cuts the document in half.
func (s *tenantSpace) corrupt(ctx context.Context) {
	s.t.Helper()
	config := &corev1.ConfigMap{}
	key := ctrlclient.ObjectKey{Namespace: s.namespace, Name: "web-fleetgate-config"}
	if err := cluster.Client.Get(ctx, key, config); err != nil {
		s.t.Fatal(err)
	}
	for name, text := range config.Data {
		config.Data[name] = text[:len(text)/2]
	}
	if err := cluster.Client.Update(ctx, config); err != nil {
		s.t.Fatal(err)
	}
}

// waitReloadGauge waits until all proxies say of their last reload what is
// wanted.
func (s *tenantSpace) waitReloadGauge(ctx context.Context, want float64) {
	s.t.Helper()
	http1 := cluster.HTTPClient()
	err := client.Poll(ctx, func(ctx context.Context) error {
		samples, err := s.gateway.Scrape(ctx, http1, tenant.ProxyMetrics)
		if err != nil {
			return err
		}
		for _, sample := range samples {
			if got := sample.Sum("fleetgate_proxy_config_last_reload_successful", nil); got != want {
				return fmt.Errorf("the gauge of the last reload is %v, want %v", got, want)
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// waitEvent waits for an Event on the Gateway.
func (s *tenantSpace) waitEvent(ctx context.Context, reason string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	gateway := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "web"}}
	err := client.Poll(ctx, func(ctx context.Context) error {
		var events corev1.EventList
		if err := cluster.Client.List(ctx, &events, ctrlclient.InNamespace(s.namespace)); err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.Reason == reason && e.InvolvedObject.Name == gateway.Name && e.Type == corev1.EventTypeWarning {
				s.t.Logf("measured: Event %s: %s", e.Reason, e.Message)
				return nil
			}
		}
		return fmt.Errorf("no Event %s on the Gateway", reason)
	})
	if err != nil {
		s.t.Error(err)
	}
}

// waitMessage waits until the Gateway is Programmed with a message that has the
// text in it.
func (s *tenantSpace) waitMessage(ctx context.Context, text string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	gateway := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "web"}}
	err := client.Wait(ctx, cluster.Cluster, gateway, func(g *gatewayv1.Gateway) error {
		for _, c := range g.Status.Conditions {
			if c.Type != string(gatewayv1.GatewayConditionProgrammed) {
				continue
			}
			if c.Status == metav1.ConditionTrue && strings.Contains(c.Message, text) {
				return nil
			}
			return fmt.Errorf("Programmed is %s: %s", c.Status, c.Message)
		}
		return errors.New("there is no condition Programmed")
	})
	if err != nil {
		s.t.Error(err)
	}
}
