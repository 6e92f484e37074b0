package e2e

import (
	"context"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// The proxies' image, and another name of it, which is a new image to Kubernetes.
const (
	proxyImage    = "fleetgate.io/proxy:v0.1.0"
	newProxyImage = "fleetgate.io/proxy:v0.1.0-renamed"
)

// A new image of the proxies comes to one Gateway alone, and to others once it has proved
// itself there, a few at a time. No request is lost.
func TestANewImageComesToOneGatewayFirst(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	const tag = "ctr --address=/run/containerd/containerd.sock --namespace=k8s.io images tag --force " + proxyImage + " " + newProxyImage
	runScript(t, tag)
	t.Cleanup(func() { useProxyImage(context.WithoutCancel(ctx), t, proxyImage) })
	var namespaces []string
	var runs []*load.Run
	for _, name := range []string{"rollout-a", "rollout-b", "rollout-c"} {
		s := settled(t, name)
		namespaces = append(namespaces, s.namespace)
		runs = append(runs, s.load("shop.example.com", load.Options{Pace: time.Millisecond}))
	}
	useProxyImage(ctx, t, newProxyImage)
	begun := make(map[string]bool)
	for done := 0; done < len(namespaces); {
		var underWay []string
		underWay, done = rollouts(ctx, t, namespaces)
		for _, namespace := range underWay {
			begun[namespace] = true
		}
		if done == 0 && len(underWay) > 1 {
			t.Fatalf("the proxies of %v are replaced before those of any Gateway have been", underWay)
		}
		if ctx.Err() != nil {
			t.Fatalf("the proxies of %d Gateways are of the new image", done)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(begun) != len(namespaces) {
		t.Errorf("the proxies of %v alone were seen to be replaced", begun)
	}
	for _, run := range runs {
		wantNoneFailed(t, run, run.Sent()+100)
	}
}

// useProxyImage has the operator give proxies an image.
func useProxyImage(ctx context.Context, t *testing.T, image string) {
	t.Helper()
	_, err := cluster.Kubectl(ctx, "set", "env", "deployment/"+stack.Operator, "-n", stack.Namespace, "RELATED_IMAGE_PROXY="+image)
	if err == nil {
		err = cluster.WaitDeployment(ctx, stack.Namespace, stack.Operator)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rollouts returns in which namespaces proxies are being replaced by those of the new
// image, and in how many they have been.
func rollouts(ctx context.Context, t *testing.T, namespaces []string) (underWay []string, done int) {
	t.Helper()
	var list appsv1.DeploymentList
	if err := cluster.Client.List(ctx, &list, ctrlclient.MatchingLabels{"app.kubernetes.io/name": "fleetgate-proxy"}); err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		d := &list.Items[i]
		isNew := d.Spec.Template.Spec.Containers[0].Image == newProxyImage
		switch {
		case !slices.Contains(namespaces, d.Namespace) || !isNew:
		case client.RolledOut(d) == nil:
			done++
		default:
			underWay = append(underWay, d.Namespace)
		}
	}
	return underWay, done
}
