package controller

import (
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/cluster"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/metrics"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
)

// Options are what the controllers work with. All fields are required, except
// Hold.
type Options struct {
	// Client writes, and reads from caches except for Secrets.
	Client client.Client
	// Reader reads from caches, and of Secrets and ConfigMaps those that are asked for.
	Reader client.Reader
	// Live reads from the API server itself.
	Live    client.Reader
	Events  events.EventRecorder
	Metrics *metrics.Metrics
	Kinds   *cluster.Kinds
	// ControllerName is the one that GatewayClasses name.
	ControllerName string
	Graph          graph.Options
	// Settings are those of every fleet. Auto is found for each.
	Settings  provision.Settings
	Translate Translate
	// Hold is how long the configuration of a fleet that has no proxies yet may wait for
	// more routes; zero is not at all.
	Hold time.Duration
	Now  func() time.Time
}

// Kinds of the Prometheus operator, which a cluster need not have.
var (
	serviceMonitor = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}
	prometheusKind = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "Prometheus"}
)
