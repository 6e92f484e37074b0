package client

import (
	"context"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	"github.com/fleetgate/fleetgate/test/cluster/internal/host"
	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// NodeIP is the address of the cluster's only node. What listens there is
// reachable from pods.
const NodeIP = layout.NodeIP

// OutsideDomain is a zone that stands for the world outside of the cluster: a
// Service has the name <service>.<namespace>.svc.<OutsideDomain> in it.
const OutsideDomain = layout.OutsideDomain

// ErrDown says that no cluster runs.
var ErrDown = host.ErrDown

// Options are the choices of Connect.
type Options struct {
	// Scheme holds the Go types that Client knows. Without one, these are
	// Kubernetes' own, those of the Gateway API, and resource definitions.
	Scheme *runtime.Scheme
}

// Cluster is a running cluster. It is safe for concurrent use and needs no
// closing.
type Cluster struct {
	// Client reads and writes objects as the cluster's administrator, without
	// a cache.
	Client client.Client

	config *rest.Config
	host   *host.Host
}

// Connect returns the cluster that runs on this machine, or ErrDown.
func Connect(o Options) (*Cluster, error) {
	l, err := layout.Default()
	if err != nil {
		return nil, err
	}
	c := &Cluster{host: &host.Host{Layout: l, Out: os.Stderr}}
	if err := c.host.Running(); err != nil {
		return nil, fmt.Errorf("connecting (start it with `go run ./cluster up`): %w", err)
	}
	c.config, err = clientcmd.BuildConfigFromFlags("", l.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's credentials: %w", err)
	}
	c.config.Dial = c.DialContext
	// Tests make many objects at once; the API server has limits of its own.
	c.config.QPS = -1
	c.config.WarningHandlerWithContext = rest.NoWarnings{}
	if o.Scheme == nil {
		if o.Scheme, err = defaultScheme(); err != nil {
			return nil, err
		}
	}
	// Without one, controller-runtime complains of it in the middle of whatever
	// the caller prints.
	log.SetLogger(logr.Discard())
	if c.Client, err = client.New(c.config, client.Options{Scheme: o.Scheme}); err != nil {
		return nil, fmt.Errorf("making the client: %w", err)
	}
	return c, nil
}

func defaultScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, apiextensionsv1.AddToScheme, gatewayv1.Install, gatewayv1beta1.Install, gatewayxv1alpha1.Install,
	} {
		if err := add(s); err != nil {
			return nil, fmt.Errorf("filling the scheme: %w", err)
		}
	}
	return s, nil
}

// Config returns a copy of the configuration of an API client that works from
// outside of the cluster's network. Its user may do everything.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// InstallCRDs applies the Gateway API's resource definitions of a channel,
// "standard" or "experimental".
func (c *Cluster) InstallCRDs(ctx context.Context, channel string) error {
	return c.host.InstallCRDs(ctx, channel)
}
