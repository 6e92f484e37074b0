package app

import (
	"context"
	"runtime"
	"sync"

	"github.com/fleetgate/fleetgate/internal/heap"
)

// Run is a proxy from start to end. It returns when ctx has ended and the proxy
// is drained, or when it cannot start. It returns no error for connections that
// outlived the drain timeout: they were told.
func Run(ctx context.Context, o Options) error {
	if err := o.complete(); err != nil {
		return err
	}
	// A loop keeps one of Go's processors for as long as it has work; the rest of
	// the program needs one, too.
	runtime.GOMAXPROCS(o.Loops + 1)
	p, err := newProxy(o)
	if err != nil {
		return err
	}
	defer p.engine.Close()

	// What runs beside the engine goes on while the proxy drains.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	servers, err := p.ports(running)
	if err != nil {
		return err
	}
	for _, s := range servers {
		wg.Go(func() { s.Run(running) })
	}
	wg.Go(p.resolver.Start(running))
	p.loadFiles()
	p.follow(running, &wg)
	wg.Go(func() { p.probe.Run(running) })
	wg.Go(func() { p.watchLoad(running) })
	wg.Go(func() { heap.Release(running, p.applied) })
	stopLog := p.startLog()
	defer stopLog()
	stopSpans := startLast(p.spans.Run)
	defer stopSpans()
	o.Log.Info("Started", "version", o.Version, "namespace", o.Gateway.Namespace, "gateway", o.Gateway.Name, "loops", o.Loops)

	<-ctx.Done()
	p.drain()
	return nil
}

// drain makes the proxy unready and lets clients go.
func (p *proxy) drain() {
	p.draining.Store(true)
	p.options.Log.Info("Draining", "timeout", p.options.DrainTimeout.String())
	ctx, cancel := context.WithTimeout(context.Background(), p.options.DrainTimeout)
	defer cancel()
	if err := p.engine.Drain(ctx); err != nil {
		p.options.Log.Info("Breaking off what is left", "reason", err.Error())
	}
	p.engine.Close()
	p.options.Log.Info("Drained")
}

// startLog starts the access log, and returns what ends it.
func (p *proxy) startLog() (stop func()) {
	if p.accessLog == nil {
		return func() {}
	}
	return startLast(p.accessLog.Run)
}

// startLast starts what takes down requests, and returns what ends it. That is
// called after the engine was closed, so that every request is in it.
func startLast(run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { run(ctx) })
	return func() { cancel(); wg.Wait() }
}
