package cluster

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/watch"
)

// leastWatch is for how long a watch lasts at the least. Informers take one that ends within
// a second, with nothing told, for a sign that something is wrong, and pause for longer after
// each; an API server that is killed soon after its start ends all watches so.
const leastWatch = 1100 * time.Millisecond

// lastingWatch is a watch whose end is told late where it comes soon.
type lastingWatch struct {
	watch.Interface
	events chan watch.Event
	stop   func()
}

func newLastingWatch(w watch.Interface) *lastingWatch {
	stopped := make(chan struct{})
	l := &lastingWatch{w, make(chan watch.Event), sync.OnceFunc(func() { close(stopped) })}
	go l.run(stopped)
	return l
}

// ResultChan implements watch.Interface.
func (l *lastingWatch) ResultChan() <-chan watch.Event { return l.events }

// Stop implements watch.Interface.
func (l *lastingWatch) Stop() {
	l.stop()
	l.Interface.Stop()
}

func (l *lastingWatch) run(stopped <-chan struct{}) {
	defer close(l.events)
	soonest := time.After(leastWatch)
	for event := range l.Interface.ResultChan() {
		select {
		case l.events <- event:
		case <-stopped:
			return
		}
	}
	select {
	case <-soonest:
	case <-stopped:
	}
}
