package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// retryAfter is the pause after a status that the API server did not take.
const retryAfter = 2 * time.Second

// balancer gives each Service of type LoadBalancer an address of its own by
// writing its status. That is all there is to do: kube-proxy answers for the
// address as soon as it stands there.
type balancer struct {
	client   kubernetes.Interface
	services corelisters.ServiceLister
	pool     *pool
}

func runLoadBalancer() int {
	flags := flag.NewFlagSet("lb", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "file with the API server's address and credentials")
	addresses := flags.String("pool", "", "prefix of the addresses to give, such as 192.0.2.0/24")
	// ExitOnError: Parse does not return an error.
	_ = flags.Parse(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := serveAddresses(ctx, *kubeconfig, *addresses); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "lb:", err)
		return 1
	}
	return 0
}

// serveAddresses assigns addresses until ctx ends.
func serveAddresses(ctx context.Context, kubeconfig, addresses string) error {
	prefix, err := netip.ParsePrefix(addresses)
	if err != nil {
		return fmt.Errorf("parsing the pool: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	// A thousand Services may appear at once; the default of five requests a
	// second would take minutes.
	config.QPS, config.Burst = 200, 400
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making the client: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	defer factory.Shutdown()
	services := factory.Core().V1().Services()
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	if _, err := services.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		UpdateFunc: func(any, any) { notify() },
		DeleteFunc: func(any) { notify() },
	}); err != nil {
		return fmt.Errorf("watching services: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &balancer{client: client, services: services.Lister(), pool: newPool(prefix)}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return b.run(ctx, changed)
}

// run assigns addresses whenever something changed, and again a little later
// if the API server refused one.
func (b *balancer) run(ctx context.Context, changed <-chan struct{}) error {
	var retry <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-retry:
		}
		retry = nil
		if err := b.assign(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "lb:", err)
			retry = time.After(retryAfter)
		}
	}
}

// assign brings the pool in line with the Services that exist, then gives an
// address to each that lacks one.
func (b *balancer) assign(ctx context.Context) error {
	all, err := b.services.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("listing services: %w", err)
	}
	wanting := b.reconcilePool(all)
	slices.SortFunc(wanting, byNeed)
	var failures []error
	for _, s := range wanting {
		address, err := b.pool.take(s.UID, s.Spec.LoadBalancerIP)
		if err == nil {
			err = b.publish(ctx, s, address)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("service %s/%s: %w", s.Namespace, s.Name, err))
		}
	}
	return errors.Join(failures...)
}

// byNeed puts Services that want an address of their choice first, so that no
// other gets it by chance; otherwise the oldest comes first.
func byNeed(a, b *corev1.Service) int {
	if chooses := b.Spec.LoadBalancerIP != ""; chooses != (a.Spec.LoadBalancerIP != "") {
		if chooses {
			return 1
		}
		return -1
	}
	return a.CreationTimestamp.Time.Compare(b.CreationTimestamp.Time)
}

// reconcilePool marks the addresses in use, frees those of Services that are
// gone, and returns the Services that still need one.
func (b *balancer) reconcilePool(all []*corev1.Service) []*corev1.Service {
	live := map[types.UID]bool{}
	var wanting []*corev1.Service
	for _, s := range all {
		if s.Spec.Type != corev1.ServiceTypeLoadBalancer || s.Spec.LoadBalancerClass != nil {
			continue
		}
		live[s.UID] = true
		if address, ok := published(s); ok {
			b.pool.hold(s.UID, address)
		} else {
			wanting = append(wanting, s)
		}
	}
	b.pool.retain(live)
	return wanting
}

func published(s *corev1.Service) (netip.Addr, bool) {
	if len(s.Status.LoadBalancer.Ingress) == 0 {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(s.Status.LoadBalancer.Ingress[0].IP)
	return address, err == nil
}

func (b *balancer) publish(ctx context.Context, s *corev1.Service, address netip.Addr) error {
	mode := corev1.LoadBalancerIPModeVIP
	status := corev1.LoadBalancerStatus{Ingress: []corev1.LoadBalancerIngress{{IP: address.String(), IPMode: &mode}}}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": status}})
	if err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	_, err = b.client.CoreV1().Services(s.Namespace).Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	fmt.Fprintf(os.Stderr, "lb: gave %s to %s/%s\n", address, s.Namespace, s.Name)
	return nil
}
