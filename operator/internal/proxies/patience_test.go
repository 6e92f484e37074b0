package proxies_test

import (
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/proxies"
)

// A proxy that does not answer is known not to.
func TestAFailureIsNewsOnce(t *testing.T) {
	p := newProxy(t)
	p.down = true
	tracker, changed := p.followed()
	if until(t, tracker, changed, "a first attempt", func(f proxies.Fleet) bool { return !f.Unheard() }); tracker.Fleet(gateway)[0].Report != nil {
		t.Errorf("got %+v", tracker.Fleet(gateway))
	}
	p.setDown(false)
	until(t, tracker, changed, "the answer", func(f proxies.Fleet) bool { return f[0].Report != nil })
	if n := len(changed); n != 0 {
		t.Errorf("%d more changes", n)
	}
}

// One that is out of reach for a moment is not lost: what it said stands, and nobody is
// told of anything.
func TestABrokenConnectionIsNoNews(t *testing.T) {
	p := newProxy(t)
	changed := make(chan types.NamespacedName, 100)
	tracker := proxies.New(proxies.Options{
		Changed: func(key types.NamespacedName) { changed <- key },
		Port:    p.port(), Retry: time.Millisecond, Patience: time.Hour, Log: logr.Discard(),
	})
	t.Cleanup(tracker.Stop)
	p.down = true
	if err := tracker.Sync(gateway, p.access(), pods); err != nil {
		t.Fatal(err)
	}
	p.refuse(10)
	if !tracker.Fleet(gateway).Unheard() || len(changed) > 0 {
		t.Errorf("of a proxy that has not answered yet it says %+v", tracker.Fleet(gateway))
	}
	p.setDown(false)
	until(t, tracker, changed, "a first report", serves(""))
	p.setDown(true)
	p.server.CloseClientConnections()
	p.refuse(10)
	if fleet := tracker.Fleet(gateway); fleet[0].Report == nil || len(changed) > 0 {
		t.Errorf("of a proxy that has answered before it says %+v", fleet)
	}
}

// refuse waits until so many more requests were refused.
func (p *proxy) refuse(n int) {
	p.t.Helper()
	p.mu.Lock()
	until := p.refused + n
	p.mu.Unlock()
	p.await("it to refuse", func() bool { return p.refused >= until })
}

func (p *proxy) setDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// One failure is not enough, however long the attempt took: a process that has a thousand
// proxies to ask at its start may run out of time with one that is well.
func TestAnAttemptThatTakesLongIsNoNews(t *testing.T) {
	p := newProxy(t)
	p.stuck = true
	tracker, changed := p.followed()
	p.failAfterWait()
	<-changed
	if fleet := tracker.Fleet(gateway); !serves("")(fleet) || len(changed) > 0 {
		t.Errorf("told %d times more, and it says %+v", len(changed), fleet)
	}
}

// The same holds for an answer that is held back.
func TestALongWaitThatFailsIsNoNews(t *testing.T) {
	p := newProxy(t)
	tracker, changed := p.followed()
	until(t, tracker, changed, "a first report", serves(""))
	p.failAfterWait()
	p.await("to be asked again", func() bool { return p.answered > 0 })
	if fleet := tracker.Fleet(gateway); !serves("")(fleet) || len(changed) > 0 {
		t.Errorf("told %d times, and it says %+v", len(changed), fleet)
	}
}

// failAfterWait has the request fail that has waited for longer than the tracker's
// patience, and those that follow answered.
func (p *proxy) failAfterWait() {
	p.t.Helper()
	p.await("a request that waits", func() bool { return p.waiting == 1 })
	time.Sleep(10 * impatience)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck, p.fail, p.answered = false, true, 0
	close(p.news)
	p.news = make(chan struct{})
}
