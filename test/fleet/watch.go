package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// classLabel names on all of a fleet's objects the class of its Gateway.
const classLabel = "gateway.networking.k8s.io/gateway-class-name"

// progress knows which Gateways have become Programmed, and when.
type progress struct {
	mu   sync.Mutex
	when map[ctrlclient.ObjectKey]time.Time
}

func (p *progress) handler() toolscache.ResourceEventHandler {
	saw := func(object any) {
		if !programmed(object) {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		key := ctrlclient.ObjectKeyFromObject(object.(ctrlclient.Object))
		if _, known := p.when[key]; !known {
			p.when[key] = time.Now()
		}
	}
	return toolscache.ResourceEventHandlerFuncs{AddFunc: saw, UpdateFunc: func(_, now any) { saw(now) }}
}

// state returns how many are Programmed, and when the last one became it.
func (p *progress) state() (count int, last time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, when := range p.when {
		if when.After(last) {
			last = when
		}
	}
	return len(p.when), last
}

// await waits until n Gateways are Programmed, and returns since when they are.
func (p *progress) await(ctx context.Context, n int, tell func(string)) (time.Time, error) {
	told := time.Now()
	for {
		count, last := p.state()
		if count >= n {
			return last, nil
		}
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			tell(fmt.Sprintf("%d of %d Gateways are Programmed", count, n))
		}
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("%d of %d Gateways are Programmed: %w", count, n, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// configs knows of each configuration of real proxies which revision was told of last,
// and when.
type configs struct {
	mu   sync.Mutex
	told map[ctrlclient.ObjectKey]told
}

// told is the time at which the operator began to store a configuration, which it takes
// the revision from, and that at which the API server told of it.
type told struct{ begun, at time.Time }

func (c *configs) handler() toolscache.ResourceEventHandler {
	saw := func(object any) {
		now, config := time.Now(), object.(*corev1.ConfigMap)
		document, _, _, err := proxyconfig.Decode([]byte(config.Data[proxyconfig.ConfigKey]))
		if err != nil {
			return // another ConfigMap of the fleet
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		key := ctrlclient.ObjectKeyFromObject(config)
		if begun := time.UnixMilli(document.Revision); begun.After(c.told[key].begun) {
			c.told[key] = told{begun, now}
		}
	}
	return toolscache.ResourceEventHandlerFuncs{AddFunc: saw, UpdateFunc: func(_, now any) { saw(now) }}
}

// last returns what was told last of a configuration.
func (c *configs) last(key ctrlclient.ObjectKey) told {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told[key]
}

// watch follows Gateways, and the configurations of those with real proxies, until ctx
// ends.
func (b *bench) watch(ctx context.Context) error {
	real := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{classLabel: classReal})}
	watched, err := cache.New(b.Config(), cache.Options{
		Scheme: b.Client.Scheme(), Mapper: b.Client.RESTMapper(),
		ByObject: map[ctrlclient.Object]cache.ByObject{&corev1.ConfigMap{}: real},
	})
	if err != nil {
		return err
	}
	for object, handler := range map[ctrlclient.Object]toolscache.ResourceEventHandler{
		&gatewayv1.Gateway{}: b.progress.handler(), &corev1.ConfigMap{}: b.configs.handler(),
	} {
		informer, err := watched.GetInformer(ctx, object, cache.BlockUntilSynced(false))
		if err != nil {
			return err
		}
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	go func() {
		if err := watched.Start(ctx); err != nil {
			b.tell("watching: " + err.Error())
		}
	}()
	if !watched.WaitForCacheSync(ctx) {
		return ctx.Err()
	}
	return nil
}
