package app

import (
	"context"
	"fmt"
	"os"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"

	"github.com/fleetgate/fleetgate/operator/internal/sole"
)

// leaseName is the name of the lease that replicas compete for.
const leaseName = "7d1f0c36.fleetgate.io"

// leaseDuration is how long nobody else takes the lease after it was renewed.
const leaseDuration = 15 * time.Second

// leaseTimeout bounds each request about the lease: one that hangs is not to be its end.
const leaseTimeout = 5 * time.Second

// newLock returns the lease of this install.
func newLock(config *rest.Config, scheme *runtime.Scheme, opts Options) (*sole.Lock, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("finding a name for the holder of the lease: %w", err)
	}
	config = rest.AddUserAgent(config, "leader-election")
	config.Timeout = leaseTimeout
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the client for the lease: %w", err)
	}
	events := record.NewBroadcaster()
	events.StartRecordingToSink(&corev1client.EventSinkImpl{Interface: clients.CoreV1().Events(opts.Namespace)})
	identity := host + "_" + string(uuid.NewUUID())
	lease, err := resourcelock.NewWithLabels(resourcelock.LeasesResourceLock, opts.Namespace, leaseName,
		clients.CoreV1(), clients.CoordinationV1(), resourcelock.ResourceLockConfig{
			Identity: identity, EventRecorder: events.NewRecorder(scheme, corev1.EventSource{Component: identity}),
		}, sole.Labels(opts.WatchNamespaces))
	if err != nil {
		return nil, fmt.Errorf("making the lease: %w", err)
	}
	return sole.New(sole.Options{
		Lease: lease, Namespace: opts.Namespace, Watches: opts.WatchNamespaces,
		Leases: func(ctx context.Context) (*coordinationv1.LeaseList, error) {
			return clients.CoordinationV1().Leases(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + leaseName})
		},
		Log: opts.Log.WithName("lease"), Now: time.Now,
	}), nil
}
