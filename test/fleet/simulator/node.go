package simulator

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
)

// Label is the label of simulated nodes, and the key of their taint: pods that
// are to run there select the one and tolerate the other.
const Label = "fleetgate.io/simulated"

// heartbeat is how often a node says that it is alive; the controller manager
// waits 50 s.
const heartbeat = 10 * time.Second

func nodeName(i int) string { return fmt.Sprintf("simulated-%d", i) }

// makeNodes creates the nodes, and leases that are renewed until ctx ends.
func (s *Simulator) makeNodes(ctx context.Context) error {
	for i := range s.opts.Nodes {
		node := newNode(nodeName(i))
		status := node.Status
		if err := s.client.Create(ctx, node); err != nil {
			return fmt.Errorf("creating node %s: %w", node.Name, err)
		}
		// Controllers write to a node as soon as it is there.
		before := node.DeepCopy()
		node.Status = status
		if err := s.client.Status().Patch(ctx, node, ctrlclient.MergeFrom(before)); err != nil {
			return fmt.Errorf("writing the status of node %s: %w", node.Name, err)
		}
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: node.Name}}
		lease.Spec.HolderIdentity = &node.Name
		if err := s.beat(ctx, lease); err != nil {
			return fmt.Errorf("creating the lease of %s: %w", lease.Name, err)
		}
		s.running.Go(func() { s.keepAlive(ctx, lease) })
	}
	return nil
}

// newNode has room for more pods than a cluster of 5,000 nodes may have.
func newNode(name string) *corev1.Node {
	room := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("10000"),
		corev1.ResourceMemory: resource.MustParse("100Ti"),
		corev1.ResourcePods:   resource.MustParse("100000"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{Label: "true", corev1.LabelHostname: name}},
		Spec:       corev1.NodeSpec{Taints: []corev1.Taint{{Key: Label, Value: "true", Effect: corev1.TaintEffectNoSchedule}}},
		Status: corev1.NodeStatus{
			Capacity: room, Allocatable: room,
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Simulated",
				LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(),
			}},
			NodeInfo: corev1.NodeSystemInfo{OperatingSystem: "linux", Architecture: "amd64"},
		},
	}
}

// beat renews the lease, or creates it.
func (s *Simulator) beat(ctx context.Context, lease *coordinationv1.Lease) error {
	now, seconds := metav1.NowMicro(), int32(40)
	lease.Spec.RenewTime, lease.Spec.LeaseDurationSeconds = &now, &seconds
	if lease.ResourceVersion == "" {
		return s.client.Create(ctx, lease)
	}
	return s.client.Update(ctx, lease)
}

// keepAlive goes on after a failure: the next beat may succeed, and enough of
// them missing show in the measurement.
func (s *Simulator) keepAlive(ctx context.Context, lease *coordinationv1.Lease) {
	ticks := time.NewTicker(heartbeat)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
			if err := s.beat(ctx, lease); err != nil {
				s.tell(fmt.Errorf("renewing the lease of %s: %w", lease.Name, err))
			}
		}
	}
}
