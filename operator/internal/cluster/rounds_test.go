package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
)

// forgetful plays the part of an API server that remembers nothing of what happened while
// nobody watched.
type forgetful struct {
	// streams says that it knows watches that begin with a list, and answers that it tells
	// of a watch that is too old by its answer, and not by an event.
	streams, answers bool

	mu       sync.Mutex
	away     bool
	version  int
	objects  map[string]*corev1.ConfigMap
	watches  []*watch.RaceFreeFakeWatcher
	outdated bool
	lists    []time.Time
}

func (f *forgetful) set(name, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.put(name, value)
}

func (f *forgetful) remove(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(name)
}

// put and drop are for who holds the lock.
func (f *forgetful) put(name, value string) {
	kind := watch.Modified
	if f.objects[name] == nil {
		kind = watch.Added
	}
	f.objects[name] = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"value": value}}
	f.tell(kind, f.objects[name])
}

func (f *forgetful) drop(name string) {
	if object := f.objects[name]; object != nil {
		delete(f.objects, name)
		f.tell(watch.Deleted, object.DeepCopy())
	}
}

func (f *forgetful) tell(kind watch.EventType, object *corev1.ConfigMap) {
	f.version++
	object.ResourceVersion = strconv.Itoa(f.version)
	for _, w := range f.watches {
		w.Action(kind, object.DeepCopy())
	}
}

// stop ends all watches, and answers nothing until start.
func (f *forgetful) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end()
	f.away = true
}

// restart ends all watches, and answers again when something has happened that nobody
// watched.
func (f *forgetful) restart(happens func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.end()
	happens()
}

func (f *forgetful) end() {
	for _, w := range f.watches {
		w.Stop()
	}
	f.watches = nil
}

func (f *forgetful) start() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = false
}

// outdate has all watches be too old.
func (f *forgetful) outdate() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outdated = true
}

func (f *forgetful) list(context.Context, metav1.ListOptions) (runtime.Object, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, refused
	}
	f.lists = append(f.lists, time.Now())
	list := &corev1.ConfigMapList{ListMeta: metav1.ListMeta{ResourceVersion: strconv.Itoa(f.version)}}
	for _, object := range f.objects {
		list.Items = append(list.Items, *object.DeepCopy())
	}
	return list, nil
}

func (f *forgetful) watch(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, refused
	}
	w, current := watch.NewRaceFreeFake(), strconv.Itoa(f.version)
	if options.SendInitialEvents != nil {
		if !f.streams {
			return nil, apierrors.NewBadRequest("sendInitialEvents is unknown")
		}
		f.lists = append(f.lists, time.Now())
		f.stream(w)
		options.ResourceVersion = current
	}
	if f.outdated || options.ResourceVersion != current {
		expired := apierrors.NewResourceExpired("too old resource version")
		if f.answers && options.SendInitialEvents == nil {
			return nil, expired
		}
		w.Error(&expired.ErrStatus)
		return w, nil
	}
	f.watches = append(f.watches, w)
	return w, nil
}

func (f *forgetful) stream(w *watch.RaceFreeFakeWatcher) {
	for _, object := range f.objects {
		w.Add(object.DeepCopy())
	}
	w.Action(watch.Bookmark, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		ResourceVersion: strconv.Itoa(f.version), Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
	}})
}

// told is what the handler of an informer was told, by name.
type told struct {
	t       *testing.T
	mu      sync.Mutex
	objects map[string]*corev1.ConfigMap
}

// follow runs an informer. It ends with the test, or with stop.
func (f *forgetful) follow(t *testing.T) (seen *told, stop func()) {
	informer := newInformer(&toolscache.ListWatch{ListWithContextFunc: f.list, WatchFuncWithContext: f.watch}, &corev1.ConfigMap{}, 0, toolscache.Indexers{})
	seen = &told{t: t, objects: make(map[string]*corev1.ConfigMap)}
	if _, err := informer.AddEventHandler(seen); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		informer.RunWithContext(ctx)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return seen, stop
}

// OnAdd implements cache.ResourceEventHandler.
func (s *told) OnAdd(object any, _ bool) { s.OnUpdate(nil, object) }

// OnUpdate implements cache.ResourceEventHandler.
func (s *told) OnUpdate(_, object any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := object.(*corev1.ConfigMap)
	if before := s.objects[next.Name]; before != nil && version(before) > version(next) {
		s.t.Errorf("%s goes back from %s to %s", next.Name, before.ResourceVersion, next.ResourceVersion)
	}
	s.objects[next.Name] = next
}

// OnDelete implements cache.ResourceEventHandler.
func (s *told) OnDelete(object any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, unseen := object.(toolscache.DeletedFinalStateUnknown); unseen {
		object = last.Obj
	}
	delete(s.objects, object.(*corev1.ConfigMap).Name)
}

func version(object *corev1.ConfigMap) int {
	n, _ := strconv.Atoi(object.ResourceVersion)
	return n
}

// want compares what was told with what there is.
func (s *told) want(f *forgetful) {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	got, want := values(s.objects), values(f.objects)
	if !maps.Equal(got, want) {
		s.t.Errorf("told of %v, want %v", got, want)
	}
}

func values(objects map[string]*corev1.ConfigMap) map[string]string {
	all := make(map[string]string, len(objects))
	for name, object := range objects {
		all[name] = object.Data["value"]
	}
	return all
}

// servers are the ways in which API servers list, and tell of a watch that is too old.
var servers = map[string]struct{ streams, answers bool }{
	"streams":             {true, false},
	"streams and answers": {true, true},
	"lists":               {false, false},
	"lists and answers":   {false, true},
}

func forEachServer(t *testing.T, test func(t *testing.T, f *forgetful)) {
	for name, tt := range servers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test(t, &forgetful{streams: tt.streams, answers: tt.answers, objects: make(map[string]*corev1.ConfigMap)})
			})
		})
	}
}

// However often an API server was started anew, and however soon after each other: within
// two pauses, that for its return and that before the list, everything is known.
func TestInformersHearOfWhatHappenedMeanwhile(t *testing.T) {
	for _, outage := range []time.Duration{0, time.Second, 10 * time.Second} {
		t.Run(outage.String(), func(t *testing.T) {
			forEachServer(t, func(t *testing.T, f *forgetful) {
				f.set("stays", "the same")
				seen, _ := f.follow(t)
				for i := range 20 {
					f.stop()
					time.Sleep(outage)
					f.set("changed", strconv.Itoa(i))
					f.set(fmt.Sprintf("added-%d", i), "new")
					f.remove(fmt.Sprintf("added-%d", i-1))
					f.start()
					time.Sleep(4 * longestPause)
					seen.want(f)
					// It watches again, too.
					f.set("changed", "live")
					seen.want(f)
				}
			})
		})
	}
}

// Where a watch lasted for long, nothing is waited for.
func TestInformersListAtOnceWhereAWatchIsTooOld(t *testing.T) {
	forEachServer(t, func(t *testing.T, f *forgetful) {
		f.set("goes", "soon")
		seen, _ := f.follow(t)
		for range 3 {
			time.Sleep(time.Minute)
			f.restart(func() {
				f.drop("goes")
				f.put("comes", time.Now().String())
			})
			seen.want(f)
		}
	})
}

// An API server for which all watches are too old is not asked all the time, and what
// it lists is known.
func TestInformersPauseBetweenLists(t *testing.T) {
	forEachServer(t, func(t *testing.T, f *forgetful) {
		f.outdate()
		seen, _ := f.follow(t)
		for range 60 {
			f.set("changed", time.Now().String())
			time.Sleep(2 * longestPause)
			seen.want(f)
		}
		if n := len(f.lists); n < 60 || n > 130 {
			t.Errorf("%d lists in two minutes", n)
		}
		for i, at := range f.lists[1:] {
			if pause := at.Sub(f.lists[i]); pause < shortestPause || pause > 2*longestPause {
				t.Errorf("list %d comes after %v", i+1, pause)
			}
		}
	})
}

// An informer that is told to stop does so at once, whatever it waits for.
func TestInformersStop(t *testing.T) {
	forEachServer(t, func(t *testing.T, f *forgetful) {
		for _, trouble := range []func(){func() {}, f.outdate, f.stop} {
			_, stop := f.follow(t)
			time.Sleep(time.Minute)
			trouble()
			time.Sleep(4 * longestPause)
			began := time.Now()
			if stop(); time.Since(began) != 0 {
				t.Errorf("it took %v to stop", time.Since(began))
			}
		}
	})
}

func TestPauseAfter(t *testing.T) {
	unknown := apierrors.NewNotFound(schema.GroupResource{Resource: "gateways"}, "")
	gone := &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonGone, Code: http.StatusGone}}
	tests := []struct {
		err                  error
		lasted, before, want time.Duration
	}{
		{nil, time.Hour, 0, 0},
		{nil, time.Hour, longestPause, 0},
		{apierrors.NewResourceExpired("too old"), time.Hour, longestPause, 0},
		{nil, 0, 0, shortestPause},
		{nil, 0, shortestPause, 2 * shortestPause},
		{gone, 0, shortestPause, 2 * shortestPause},
		{nil, 0, longestPause, longestPause},
		{nil, 0, longestRefusal, longestPause},
		{unknown, 0, 0, shortestPause},
		{unknown, time.Hour, longestPause, 2 * longestPause},
		{unknown, 0, longestRefusal, longestRefusal},
		{fmt.Errorf("listing: %w", errors.New("not what was asked for")), 0, time.Minute, longestRefusal},
	}
	for _, tt := range tests {
		if got := pauseAfter(tt.err, tt.lasted, tt.before); got != tt.want {
			t.Errorf("%v after %v, and %v before, has it pause %v, want %v", tt.err, tt.lasted, tt.before, got, tt.want)
		}
	}
}
