package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

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

// watch follows Gateways until ctx ends.
func (b *bench) watch(ctx context.Context) error {
	watched, err := cache.New(b.Config(), cache.Options{Scheme: b.Client.Scheme(), Mapper: b.Client.RESTMapper()})
	if err != nil {
		return err
	}
	informer, err := watched.GetInformer(ctx, &gatewayv1.Gateway{}, cache.BlockUntilSynced(false))
	if err != nil {
		return err
	}
	if _, err := informer.AddEventHandler(b.progress.handler()); err != nil {
		return err
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
