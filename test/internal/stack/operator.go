package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// readyWithin bounds how long the operator may take to become ready, on a
// machine that is busy with everything else.
const readyWithin = 3 * time.Minute

// installOperator applies test/install, which is config/default with what the
// test cluster's node needs, and waits for the operator and its class.
func (s *Stack) installOperator(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if _, err := s.Kubectl(ctx, "apply", "--server-side", "--force-conflicts", "-k", filepath.Join(s.Root, "test", "install")); err != nil {
		return err
	}
	if err := s.restartWhenRebuilt(ctx); err != nil {
		return err
	}
	if err := s.WaitDeployment(ctx, Namespace, Operator); err != nil {
		return err
	}
	if err := s.ApplyFiles(ctx, filepath.Join(s.Root, "config", "samples", "gatewayclass.yaml")); err != nil {
		return err
	}
	class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: GatewayClass}}
	return client.Wait(ctx, s.Cluster, class, func(c *gatewayv1.GatewayClass) error {
		return client.HasCondition(c.Status.Conditions, string(gatewayv1.GatewayClassConditionStatusAccepted), metav1.ConditionTrue, c.Generation)
	})
}

// restartWhenRebuilt rolls the operator out again when its binary is another
// one than before, as the image's name does not tell.
func (s *Stack) restartWhenRebuilt(ctx context.Context) error {
	binary, err := os.ReadFile(filepath.Join(s.Root, "bin", "fleetgate"))
	if err != nil {
		return fmt.Errorf("reading the operator: %w", err)
	}
	sum := sha256.Sum256(binary)
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"fleetgate.io/binary":%q}}}}}`, hex.EncodeToString(sum[:8]))
	_, err = s.Kubectl(ctx, "patch", "deployment", Operator, "-n", Namespace, "--field-manager=fleetgate-rebuilt", "-p", patch)
	return err
}

// OperatorPod returns the pod of the operator that is not on its way out. It may not be
// ready yet.
func (s *Stack) OperatorPod(ctx context.Context) (*corev1.Pod, error) {
	var list corev1.PodList
	err := s.Client.List(ctx, &list, ctrlclient.InNamespace(Namespace), ctrlclient.MatchingLabels{"control-plane": "controller-manager"})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		if list.Items[i].DeletionTimestamp == nil {
			return &list.Items[i], nil
		}
	}
	return nil, fmt.Errorf("the operator has no pod in %s", Namespace)
}

// UseOperator has the installed operator run another image, which is in the cluster, and
// waits until it does.
func (s *Stack) UseOperator(ctx context.Context, image string) error {
	if _, err := s.Kubectl(ctx, "set", "image", "deployment/"+Operator, "-n", Namespace, "*="+image); err != nil {
		return err
	}
	return s.WaitDeployment(ctx, Namespace, Operator)
}
