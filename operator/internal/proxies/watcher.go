package proxies

import (
	"context"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/types"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// maxRetry is the longest pause between two attempts to reach a proxy.
const maxRetry = 10 * time.Second

// watcher asks one pod.
type watcher struct {
	tracker *Tracker
	gateway types.NamespacedName
	client  *client
	cancel  context.CancelFunc
	// kick ends a pause early.
	kick chan struct{}

	// Guarded by the Tracker's mutex.
	pod    Pod
	report *proxyconfig.Report
	asked  bool
}

// fewProxies is how many proxies hold their answers back for Options.Wait. More do for
// longer, up to longestWait, so that what those cost that have no news does not grow with
// their number.
const (
	fewProxies  = 300
	longestWait = 2 * time.Minute
)

// wait is how long an answer is held back now.
func (t *Tracker) wait() time.Duration {
	longer := t.opts.Wait * time.Duration(t.asking.Load()) / fewProxies
	return max(t.opts.Wait, min(longer, longestWait))
}

// update takes note of a pod's new state. A pod that became ready has just
// started to answer, so it is worth asking at once.
func (w *watcher) update(pod Pod) {
	if pod.Ready && !w.pod.Ready {
		select {
		case w.kick <- struct{}{}:
		default:
		}
	}
	w.pod = pod
}

// run asks until ctx ends.
func (w *watcher) run(ctx context.Context, pod Pod) {
	log := w.tracker.opts.Log.WithValues("gateway", w.gateway, "pod", pod.Name)
	w.tracker.asking.Add(1)
	defer w.tracker.asking.Add(-1)
	pause := w.tracker.opts.Retry
	var after *uint64
	// failing is when the first attempt failed since the last that did not.
	var failing time.Time
	line := w.client.line(pod.Address)
	defer line.close()
	for ctx.Err() == nil {
		asked := time.Now()
		report, err := line.ask(ctx, after, w.tracker.wait())
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			w.tell(ctx, report)
			pause = w.tracker.opts.Retry
			if after != nil && *after == report.Sequence && time.Since(asked) < pause {
				// Nothing new, and the time was not up: the proxy does not hold its
				// answers back, which must not become a busy loop.
				w.sleep(ctx, pause)
			}
			after, failing = &report.Sequence, time.Time{}
			continue
		}
		log.V(1).Info("Got no report", "reason", err.Error())
		if failing.IsZero() {
			failing = time.Now()
		} else if time.Since(failing) >= w.tracker.opts.Patience {
			w.tell(ctx, nil)
		}
		after = nil
		w.sleep(ctx, pause)
		pause = min(2*pause, maxRetry)
	}
}

func (w *watcher) sleep(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-w.kick:
	case <-timer.C:
	}
}

// tell keeps the report, nil of a proxy that does not answer, and says so if that is
// news. The first time it always is.
func (w *watcher) tell(ctx context.Context, report *proxyconfig.Report) {
	t := w.tracker
	t.mu.Lock()
	changed := ctx.Err() == nil && (!w.asked || !reflect.DeepEqual(w.report, report))
	if changed {
		w.report, w.asked = report, true
	}
	t.mu.Unlock()
	if changed {
		t.opts.Changed(w.gateway)
	}
}
