package local

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/api/v1alpha1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/local/fleet"
	"github.com/fleetgate/fleetgate/operator/internal/local/view"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/render"
	"github.com/fleetgate/fleetgate/operator/internal/status"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// newScheme knows the kinds that the pipeline reads.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	return scheme, errors.Join(gatewayv1.Install(scheme), gatewayxv1alpha1.Install(scheme), v1alpha1.AddToScheme(scheme))
}

// pipeline translates the objects of a folder, one Gateway after the other.
type pipeline struct {
	scheme  *runtime.Scheme
	indexes *view.Indexes
	opts    graph.Options
}

func newPipeline(ctx context.Context, scheme *runtime.Scheme, controllerName string) (*pipeline, error) {
	p := &pipeline{
		scheme:  scheme,
		indexes: view.NewIndexes(scheme),
		opts: graph.Options{
			ControllerName: controllerName,
			ReservedPorts:  provision.ReservedPorts(),
			// A backend of a local try runs on this machine.
			Forbidden: graph.ForbiddenBackends{AllowLoopback: true},
		},
	}
	return p, store.IndexFields(ctx, p.indexes, func(client.Object) bool { return true })
}

// translation is one Gateway on its way.
type translation struct {
	source *gatewayv1.Gateway
	// graph has no Gateway when the Gateway's class is not ours.
	graph        *graph.Graph
	config       proxyconfig.Config
	certificates map[string][]byte
}

func (t *translation) key() types.NamespacedName { return client.ObjectKeyFromObject(t.source) }

// observed is what is known of the Gateway and of its fleet.
func (t *translation) observed(state fleet.State) status.Observed {
	o := observe(state)
	if t.graph.Gateway != nil {
		o.Refusals = t.graph.Gateway.Refusals
	}
	return o
}

// run translates every Gateway among the objects, in their order.
func (p *pipeline) run(ctx context.Context, objects []client.Object) ([]*translation, error) {
	reader, err := view.New(p.scheme, p.indexes, objects)
	if err != nil {
		return nil, err
	}
	var all []*translation
	for _, o := range objects {
		gateway, ok := o.(*gatewayv1.Gateway)
		if !ok {
			continue
		}
		t, err := p.translate(ctx, reader, gateway)
		if err != nil {
			return nil, fmt.Errorf("translating Gateway %s/%s: %w", gateway.Namespace, gateway.Name, err)
		}
		all = append(all, t)
	}
	return all, nil
}

func (p *pipeline) translate(ctx context.Context, reader client.Reader, gateway *gatewayv1.Gateway) (*translation, error) {
	resources, err := store.Collect(ctx, reader, client.ObjectKeyFromObject(gateway), p.opts.ControllerName)
	if err != nil {
		return nil, err
	}
	g := graph.Build(resources, p.opts)
	t := &translation{source: gateway, graph: g, config: render.Config(g), certificates: map[string][]byte{}}
	for _, shard := range render.CertificateSecrets(g) {
		maps.Copy(t.certificates, shard)
	}
	return t, nil
}

// served are the Gateways that get a proxy: the accepted ones.
func served(all []*translation) []fleet.Gateway {
	var list []fleet.Gateway
	for _, t := range all {
		if t.graph.Gateway == nil || !t.graph.Gateway.Accepted() {
			continue
		}
		g := fleet.Gateway{
			Key:          t.key(),
			UID:          string(t.source.UID),
			Class:        string(t.source.Spec.GatewayClassName),
			Config:       &t.config,
			Certificates: t.certificates,
		}
		if asked := t.graph.Gateway.Addresses; len(asked) > 0 {
			g.Address = asked[0]
		}
		list = append(list, g)
	}
	return list
}
