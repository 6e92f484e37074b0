package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/operator/internal/local/fleet"
	"github.com/fleetgate/fleetgate/operator/internal/local/folder"
	"github.com/fleetgate/fleetgate/operator/internal/local/table"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// Run serves what the folder says until ctx ends. Then it drains the proxies
// and returns when every process is gone.
func Run(ctx context.Context, opts Options) (err error) {
	r, err := newRunner(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()

	var watcher sync.WaitGroup
	defer watcher.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watcher.Go(func() {
		if err := folder.Watch(ctx, opts.Dir, r.reload.set); err != nil {
			cancel(fmt.Errorf("watching %s: %w", opts.Dir, err))
		}
	})
	r.objects()
	err = r.loop(ctx)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}

// signal says that something is to be done; setting it twice asks for it once.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) set() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// runner owns all parts of a run. Everything but the signals is used by one
// goroutine.
type runner struct {
	opts     Options
	folder   *folder.Folder
	pipeline *pipeline
	statuses *statuses
	fleet    *fleet.Fleet
	printer  *table.Printer
	cgroups  *fleet.Cgroups
	notes    []string
	// tempDir is removed at the end.
	tempDir string

	// reload is set when the folder has changed, changed when a proxy has.
	reload, changed signal
	loaded          folder.Loaded
}

func newRunner(ctx context.Context, opts Options) (*runner, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	p, err := newPipeline(ctx, scheme, opts.ControllerName)
	if err != nil {
		return nil, err
	}
	r := &runner{
		opts:     opts,
		folder:   folder.New(folder.Options{Dir: opts.Dir, Scheme: scheme}),
		pipeline: p,
		statuses: newStatuses(time.Now),
		printer:  table.NewPrinter(opts.Out, opts.Format),
		reload:   newSignal(),
		changed:  newSignal(),
	}
	if r.opts.RunDir == "" {
		if r.tempDir, err = os.MkdirTemp("", "fleetgate-"); err != nil {
			return nil, err
		}
		r.opts.RunDir = r.tempDir
	}
	r.fleet = fleet.New(fleet.Options{
		Dir:     r.opts.RunDir,
		Proxy:   opts.ProxyBinary,
		Sensor:  r.sensor(),
		Cgroups: r.cgroups,
		Changed: r.changed.set,
	})
	return r, nil
}

// sensor returns the sensor's path, or nothing when none is run, and makes
// ready what it needs.
func (r *runner) sensor() string {
	if r.opts.Sensor == SensorOff {
		return ""
	}
	if _, err := os.Stat(r.opts.SensorBinary); err != nil && r.opts.Sensor == SensorAuto {
		r.note("No sensor runs: %v.", err)
		return ""
	}
	if os.Geteuid() != 0 {
		r.note("The sensor is not root: it counts what the proxy shares with it, and nothing from the kernel.")
		return r.opts.SensorBinary
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err == nil {
		r.cgroups, err = fleet.NewCgroups(string(mounts))
	}
	if err != nil {
		r.note("The sensor counts no connections: %v.", err)
	}
	return r.opts.SensorBinary
}

func (r *runner) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// close ends the processes first and removes what they used after that.
func (r *runner) close() error {
	r.fleet.Close()
	var errs []error
	if r.cgroups != nil {
		errs = append(errs, r.cgroups.Close())
	}
	if r.tempDir != "" {
		errs = append(errs, os.RemoveAll(r.tempDir))
	}
	return errors.Join(errs...)
}

// loop brings the fleet in line with the folder at each change of either.
func (r *runner) loop(ctx context.Context) error {
	for {
		if err := r.turn(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			fmt.Fprintln(r.opts.Messages, "Draining the proxies; a second Ctrl-C leaves them to do so by themselves.")
			return nil
		case <-r.reload:
			r.objects()
		case <-r.changed:
		}
	}
}

func (r *runner) objects() { r.loaded = r.folder.Load() }

// turn derives everything from what was loaded.
func (r *runner) turn(ctx context.Context) error {
	objects := r.statuses.on(r.loaded.Objects)
	all, err := r.pipeline.run(ctx, objects)
	if err != nil {
		return err
	}
	r.fleet.Apply(served(all))
	return r.printer.Print(r.report(all, objects))
}

// report brings the statuses up to date and tells everything.
func (r *runner) report(all []*translation, objects []client.Object) *table.Table {
	t := &table.Table{Source: r.opts.Dir, Notes: r.notes}
	for _, translated := range all {
		state := r.fleet.State(translated.key())
		set := status.Build(translated.graph, translated.observed(state))
		r.statuses.update(set)
		t.Gateways = append(t.Gateways, row(translated, set, state))
		t.Troubles = append(t.Troubles, troubles(translated, set)...)
		t.Troubles = append(t.Troubles, processTroubles(translated.key(), state)...)
	}
	t.Troubles = append(t.Troubles, orphans(objects)...)
	for _, p := range r.loaded.Problems {
		t.Unread = append(t.Unread, p.String())
	}
	return t
}
