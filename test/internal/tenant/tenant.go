package tenant

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/scrape"
)

// The ports of a proxy pod; see docs/ARCHITECTURE.md.
const (
	ProxyMetrics  = 19000
	SensorMetrics = 19002
)

// Gateway is one Gateway in the test cluster.
type Gateway struct {
	Cluster *client.Cluster
	Name    types.NamespacedName
}

// WaitProgrammed waits until the Gateway is Programmed for its newest
// generation and has an address, and returns that.
func (g Gateway) WaitProgrammed(ctx context.Context) (string, error) {
	object := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: g.Name.Namespace, Name: g.Name.Name}}
	err := client.Wait(ctx, g.Cluster, object, func(o *gatewayv1.Gateway) error {
		if len(o.Status.Addresses) == 0 {
			return errors.New("it has no address")
		}
		return client.HasCondition(o.Status.Conditions, string(gatewayv1.GatewayConditionProgrammed), metav1.ConditionTrue, o.Generation)
	})
	if err != nil {
		return "", err
	}
	return object.Status.Addresses[0].Value, nil
}

// Pods returns the running proxy pods.
func (g Gateway) Pods(ctx context.Context) ([]corev1.Pod, error) {
	var pods corev1.PodList
	err := g.Cluster.Client.List(ctx, &pods, ctrlclient.InNamespace(g.Name.Namespace),
		ctrlclient.MatchingLabels{gatewayv1.GatewayNameLabelKey: g.Name.Name})
	if err != nil {
		return nil, fmt.Errorf("listing the proxies of %s: %w", g.Name, err)
	}
	running := pods.Items[:0]
	for _, pod := range pods.Items {
		if pod.Status.PodIP != "" && pod.DeletionTimestamp == nil {
			running = append(running, pod)
		}
	}
	return running, nil
}

// Scrape reads the metrics of all proxy pods on one of their ports.
func (g Gateway) Scrape(ctx context.Context, http *http.Client, port int) ([]scrape.Sample, error) {
	pods, err := g.Pods(ctx)
	if err != nil {
		return nil, err
	}
	var samples []scrape.Sample
	for _, pod := range pods {
		s, err := scrape.Get(ctx, http, fmt.Sprintf("http://%s:%d/metrics", pod.Status.PodIP, port))
		if err != nil {
			return nil, fmt.Errorf("pod %s: %w", pod.Name, err)
		}
		samples = append(samples, s)
	}
	return samples, nil
}

// WaitMeasured waits until the sensors of all proxy pods have attached their
// programs. A proxy does not wait for its sensor, so what it serves before that
// is not counted. It fails after a minute: a sensor that has fallen back to less stays
// with that.
func (g Gateway) WaitMeasured(ctx context.Context, http *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return client.Poll(ctx, func(ctx context.Context) error {
		samples, err := g.Scrape(ctx, http, SensorMetrics)
		if err != nil {
			return err
		}
		for _, s := range samples {
			for _, hook := range []string{"request_done", "sockops"} {
				if s.Sum("fleetgate_sensor_hook_attached", scrape.Labels{"hook": hook}) != 1 {
					return fmt.Errorf("a sensor of %s has not attached %s", g.Name, hook)
				}
			}
		}
		return nil
	})
}
