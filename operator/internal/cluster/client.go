package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// NewClient returns a client that reads from the cache, but Secrets and ConfigMaps from
// the API server, so that no cache ever holds their data: those of Secrets are secret, and
// those of ConfigMaps are large, and mostly nothing to us or written by ourselves. Their
// metadata are read from the cache like everything else, which the options of
// controller-runtime cannot say: they know kinds, and not what of them is asked for. Of a
// typed object that is created or updated, only the metadata are afterwards as the API
// server has them.
func NewClient(config *rest.Config, options client.Options) (client.Client, error) {
	cached, err := client.New(config, options)
	if err != nil {
		return nil, fmt.Errorf("making the client: %w", err)
	}
	options.Cache = nil
	live, err := client.New(config, options)
	if err != nil {
		return nil, fmt.Errorf("making the client without a cache: %w", err)
	}
	return newBrief(dataless{Client: cached, live: live}, config, options)
}

// dataless is a cached client that never asks its cache for the data of Secrets and
// ConfigMaps.
type dataless struct {
	client.Client
	live client.Reader
}

// Get implements client.Reader.
func (c dataless) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	switch into.(type) {
	case *corev1.Secret, *corev1.ConfigMap:
		return c.live.Get(ctx, key, into, opts...)
	}
	return c.Client.Get(ctx, key, into, opts...)
}

// List implements client.Reader.
func (c dataless) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	switch into.(type) {
	case *corev1.SecretList, *corev1.ConfigMapList:
		return c.live.List(ctx, into, opts...)
	}
	return c.Client.List(ctx, into, opts...)
}
