package simulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// pods is the prefix of the simulated pods' addresses. All of it is the node's
// own, so that one socket answers for all of them.
var pods = netip.MustParsePrefix("10.79.0.0/16")

// Options of a Simulator.
type Options struct {
	Cluster *client.Cluster
	// Nodes is the number of nodes.
	Nodes int
	// Log is told of what goes wrong and is tried again.
	Log func(error)
}

// Simulator runs until Stop.
type Simulator struct {
	opts   Options
	client ctrlclient.Client
	cache  cache.Cache
	queue  workqueue.TypedRateLimitingInterface[types.NamespacedName]

	running sync.WaitGroup
	cancel  context.CancelFunc

	mu      sync.Mutex
	boards  map[types.NamespacedName]*board
	secrets map[types.NamespacedName]*credentials
	// proxies are the pods that run, by their addresses, and waiting those that
	// have no configuration yet, by its ConfigMap.
	proxies map[netip.Addr]*proxy
	byPod   map[types.NamespacedName]*proxy
	waiting map[types.NamespacedName][]types.NamespacedName
	next    netip.Addr
}

// workers write the statuses of pods, as so many kubelets would.
const workers = 8

// Start makes the nodes and begins to run pods on them. They live until Stop, or
// until ctx ends; the objects stay.
func Start(ctx context.Context, opts Options) (*Simulator, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &Simulator{
		opts: opts, client: opts.Cluster.Client, cancel: cancel,
		queue:   workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]()),
		boards:  make(map[types.NamespacedName]*board),
		secrets: make(map[types.NamespacedName]*credentials),
		proxies: make(map[netip.Addr]*proxy), byPod: make(map[types.NamespacedName]*proxy),
		waiting: make(map[types.NamespacedName][]types.NamespacedName),
		next:    pods.Addr(),
	}
	for _, step := range []func(context.Context) error{s.ownAddresses, s.listen, s.watch, s.makeNodes} {
		if err := step(ctx); err != nil {
			s.Stop()
			return nil, fmt.Errorf("simulating nodes: %w", err)
		}
	}
	for range workers {
		s.running.Go(func() { s.work(ctx) })
	}
	return s, nil
}

// Stop ends the pods.
func (s *Simulator) Stop() {
	s.cancel()
	s.queue.ShutDown()
	s.running.Wait()
}

// tell is of errors while nobody waits for an answer.
func (s *Simulator) tell(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		s.opts.Log(err)
	}
}

// ownAddresses makes all addresses of pods local ones of the node.
func (s *Simulator) ownAddresses(context.Context) error {
	return s.opts.Cluster.InNetwork(func() error {
		loopback, err := netlink.LinkByName("lo")
		if err != nil {
			return fmt.Errorf("finding the loopback interface: %w", err)
		}
		_, prefix, err := net.ParseCIDR(pods.String())
		if err != nil {
			return err
		}
		return netlink.RouteReplace(&netlink.Route{
			LinkIndex: loopback.Attrs().Index, Dst: prefix,
			Table: unix.RT_TABLE_LOCAL, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST,
		})
	})
}

// watch follows pods, and of what Fleetgate makes the ConfigMaps and Secrets.
func (s *Simulator) watch(ctx context.Context) error {
	ours := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{"app.kubernetes.io/managed-by": "fleetgate"})}
	var err error
	s.cache, err = cache.New(s.opts.Cluster.Config(), cache.Options{
		Scheme: s.client.Scheme(), Mapper: s.client.RESTMapper(),
		ByObject: map[ctrlclient.Object]cache.ByObject{&corev1.ConfigMap{}: ours, &corev1.Secret{}: ours},
	})
	if err != nil {
		return err
	}
	for kind, changed := range map[ctrlclient.Object]func(any){
		&corev1.Pod{}:       s.sawPod,
		&corev1.ConfigMap{}: s.sawConfig,
		&corev1.Secret{}:    s.sawSecret,
	} {
		informer, err := s.cache.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return err
		}
		_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc: changed, UpdateFunc: func(_, now any) { changed(now) }, DeleteFunc: s.sawEnd,
		})
		if err != nil {
			return err
		}
	}
	s.running.Go(func() { s.tell(s.cache.Start(ctx)) })
	return nil
}
