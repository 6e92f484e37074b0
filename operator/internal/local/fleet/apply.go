package fleet

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/proxies"
)

// Apply makes the fleet that of the given Gateways: it starts what is new,
// hands changed configurations over, and begins to drain what is gone. What did
// not change is not touched. It does not wait for drains; a Gateway that comes
// back, or moves to another address, while its old proxy drains is started when
// that is over. So Apply is to be called again after each call of Changed.
func (f *Fleet) Apply(gateways []Gateway) {
	f.reap()
	wanted := map[types.NamespacedName]bool{}
	for _, g := range gateways {
		wanted[g.Key] = true
		f.problems[g.Key] = ""
		if err := f.apply(g); err != nil {
			f.problems[g.Key] = err.Error()
		}
		f.follow(g.Key)
	}
	for key, in := range f.instances {
		if !wanted[key] {
			f.stop(key, in)
		}
	}
	for key := range f.problems {
		if !wanted[key] {
			delete(f.problems, key)
		}
	}
}

func (f *Fleet) apply(g Gateway) error {
	if g.Address.IsValid() && !g.Address.IsLoopback() {
		return fmt.Errorf("address %s is not a loopback address; local mode has no others", g.Address)
	}
	in := f.instances[g.Key]
	switch {
	case in == nil:
		return f.start(g)
	case in.stopping:
		return fmt.Errorf("the proxy on %s is still draining", in.address)
	case in.gateway.UID != g.UID, in.gateway.Class != g.Class, in.gateway.Address != g.Address:
		f.stop(g.Key, in)
		return fmt.Errorf("the proxy on %s is draining", in.address)
	}
	in.update(g, f.opts.Now())
	return nil
}

func (f *Fleet) start(g Gateway) error {
	address, err := f.addresses.take(g.Key, g.Class, g.Address)
	if err != nil {
		return err
	}
	in, err := f.newInstance(g, address)
	if err != nil {
		f.addresses.release(g.Key)
		return fmt.Errorf("starting a proxy: %w", err)
	}
	f.instances[g.Key] = in
	return nil
}

// follow has the process that runs now asked for its reports.
func (f *Fleet) follow(key types.NamespacedName) {
	in := f.instances[key]
	if in == nil || in.stopping {
		return
	}
	if err := f.tracker.Sync(key, in.access, []proxies.Pod{in.pod()}); err != nil {
		f.problems[key] = err.Error()
	}
}

// stop begins to drain an instance; reap forgets it when that is over.
func (f *Fleet) stop(key types.NamespacedName, in *instance) {
	if in.stopping {
		return
	}
	in.stopping = true
	f.tracker.Forget(key)
	f.stopping.Go(func() {
		in.stop()
		f.mu.Lock()
		f.gone = append(f.gone, key)
		f.mu.Unlock()
		f.opts.Changed()
	})
}

// reap forgets the instances that have stopped. Their directories stay: they
// are the run's to remove, and a Gateway that comes back finds its last good
// configuration.
func (f *Fleet) reap() {
	f.mu.Lock()
	gone := f.gone
	f.gone = nil
	f.mu.Unlock()
	for _, key := range gone {
		delete(f.instances, key)
		f.addresses.release(key)
	}
}

// State returns how the Gateway's proxy is doing.
func (f *Fleet) State(key types.NamespacedName) State {
	f.reap()
	var state State
	if in := f.instances[key]; in != nil {
		state = in.state()
		state.Proxies = f.tracker.Fleet(key)
	}
	if problem := f.problems[key]; problem != "" {
		state.Problem = problem
	}
	return state
}

// Close drains all proxies and waits until every process is gone.
func (f *Fleet) Close() {
	for key, in := range f.instances {
		f.stop(key, in)
	}
	f.stopping.Wait()
	f.reap()
	f.tracker.Stop()
	f.launcher.Close()
}
