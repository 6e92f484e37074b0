package simulator

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
)

// proxy is one simulated pod, by what its command line and volumes say.
type proxy struct {
	address    netip.Addr
	gatewayUID string
	config     types.NamespacedName
	admin      types.NamespacedName
	ready      bool
}

func (s *Simulator) sawPod(object any) {
	pod := object.(*corev1.Pod)
	if strings.HasPrefix(pod.Spec.NodeName, "simulated-") {
		s.queue.Add(ctrlclient.ObjectKeyFromObject(pod))
	}
}

// sawEnd frees what is kept of a pod. Of configurations and credentials nothing
// has to be: their pods end as well.
func (s *Simulator) sawEnd(object any) {
	if gone, is := object.(toolscache.DeletedFinalStateUnknown); is {
		object = gone.Obj
	}
	pod, is := object.(*corev1.Pod)
	if !is {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := ctrlclient.ObjectKeyFromObject(pod)
	if p := s.byPod[key]; p != nil {
		delete(s.proxies, p.address)
		delete(s.byPod, key)
	}
}

func (s *Simulator) work(ctx context.Context) {
	for {
		key, ended := s.queue.Get()
		if ended {
			return
		}
		err := s.run(ctx, key)
		if err != nil && ctx.Err() == nil {
			s.tell(fmt.Errorf("running pod %s: %w", key, err))
			s.queue.AddRateLimited(key)
		} else {
			s.queue.Forget(key)
		}
		s.queue.Done(key)
	}
}

// run brings the pod one step on: from bound to ready, or from deleted to gone.
func (s *Simulator) run(ctx context.Context, key types.NamespacedName) error {
	pod := &corev1.Pod{}
	if err := s.cache.Get(ctx, key, pod); err != nil {
		return ctrlclient.IgnoreNotFound(err)
	}
	if pod.DeletionTimestamp != nil {
		return ctrlclient.IgnoreNotFound(s.client.Delete(ctx, pod, ctrlclient.GracePeriodSeconds(0)))
	}
	p, ready := s.admit(pod)
	if p == nil || !ready {
		return nil
	}
	err := s.client.Status().Patch(ctx, pod, ctrlclient.RawPatch(types.MergePatchType, runningStatus(pod, p.address)))
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ready = true
	return nil
}

// admit gives the pod an address. It returns true once the pod has something to
// serve and has not been told to be ready yet.
func (s *Simulator) admit(pod *corev1.Pod) (*proxy, bool) {
	key := ctrlclient.ObjectKeyFromObject(pod)
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byPod[key]
	if p == nil {
		p = read(pod)
		s.next = s.next.Next()
		p.address = s.next
		s.byPod[key], s.proxies[p.address] = p, p
	}
	if p.ready {
		return p, false
	}
	if b := s.boards[p.config]; b == nil || b.report.GatewayUID != p.gatewayUID || s.secrets[p.admin] == nil {
		s.waiting[p.config] = append(s.waiting[p.config], key)
		s.waiting[p.admin] = append(s.waiting[p.admin], key)
		return p, false
	}
	return p, true
}

// wake has the pods looked at that wait for the object. The mutex is held.
func (s *Simulator) wake(object types.NamespacedName) {
	for _, pod := range s.waiting[object] {
		s.queue.Add(pod)
	}
	delete(s.waiting, object)
}

// read finds out what a proxy that ran in the pod would serve.
func read(pod *corev1.Pod) *proxy {
	p := &proxy{}
	named := func(name string) types.NamespacedName {
		return types.NamespacedName{Namespace: pod.Namespace, Name: name}
	}
	for _, arg := range pod.Spec.Containers[0].Args {
		if uid, ok := strings.CutPrefix(arg, "--gateway-uid="); ok {
			p.gatewayUID = uid
		}
		if name, ok := strings.CutPrefix(arg, "--watch-configmap="); ok {
			p.config = named(name)
		}
	}
	for _, volume := range pod.Spec.Volumes {
		if volume.Name == "admin" && volume.Secret != nil {
			p.admin = named(volume.Secret.SecretName)
		}
	}
	return p
}

// runningStatus is what a kubelet says of a pod whose containers are ready, as a
// merge patch.
func runningStatus(pod *corev1.Pod, address netip.Addr) []byte {
	now, yes := metav1.NewTime(time.Now()), true
	status := corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &now,
		PodIP: address.String(), PodIPs: []corev1.PodIP{{IP: address.String()}},
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Ready: true, Started: &yes,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		})
	}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		panic("encoding a pod's status: " + err.Error()) // Plain data always encodes.
	}
	return patch
}
