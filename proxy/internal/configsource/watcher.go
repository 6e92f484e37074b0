package configsource

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	jsonv2 "encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-logr/logr"
)

// watcher follows one object by name.
//
// It watches with the field selector metadata.name, which is what a Role limited
// by resourceNames permits. The first watch names no resource version and so
// begins with the object as it is. (An object that nobody touched for long has a
// version that the API server has forgotten, so that reading it and watching
// from there would be refused.) After that every event and bookmark says where
// to go on. An object that is not there brings no event: that alone is found out
// by reading, once the watch has begun and cannot miss what happens meanwhile.
type watcher[V any] struct {
	client         *KubeClient
	resource, name string
	// changed is told of every new version, and of nil when the object is gone.
	changed func(*object[V])
	backoff backoff
	log     logr.Logger

	// seen is the version that changed was last told of, next the one to go on
	// watching from; empty begins anew.
	seen, next string
	told       bool
	failing    bool
}

var (
	// errExpired says that the API server no longer knows where the watch was.
	errExpired = errors.New("the resource version has expired")
	// errEnded says that a watch ended before it brought anything.
	errEnded = errors.New("the watch ended")
)

// briefly is how long a watch lives that the API server does not really serve.
const briefly = 2 * time.Second

// watchLifetime is how long one watch request lasts. A renewal is one cheap
// request, and sees that credentials and connection still work.
const watchLifetime = 5 * time.Minute

// run follows the object until ctx ends.
func (w *watcher[V]) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, errExpired) {
			w.complain(err)
		}
		w.backoff.sleep(ctx, err)
	}
}

// complain logs the first error in a row. The proxy goes on with what it has.
func (w *watcher[V]) complain(err error) {
	if !w.failing {
		w.log.Error(err, "Cannot watch, going on with what is there", "resource", w.resource, "name", w.name)
	}
	w.failing = true
}

// once watches until the watch ends.
func (w *watcher[V]) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchLifetime+30*time.Second)
	defer cancel()
	body, err := w.client.get(ctx, w.client.collection(w.resource), w.query())
	if hasStatus(err, http.StatusGone) {
		return w.expired()
	}
	if err != nil {
		return fmt.Errorf("watching %s %q: %w", w.resource, w.name, err)
	}
	defer body.Close()
	if w.next == "" {
		if err := w.noticeAbsence(ctx); err != nil {
			return err
		}
	}
	begun := time.Now()
	err = w.follow(jsontext.NewDecoder(body, lenient))
	// A watch that lived for a while may end silently and is renewed at once;
	// one that ends as soon as it begins must not be renewed in a tight loop.
	if errors.Is(err, errEnded) && time.Since(begun) > briefly {
		return nil
	}
	return err
}

// noticeAbsence tells when the object is not there. One that is comes by the
// watch.
func (w *watcher[V]) noticeAbsence(ctx context.Context) error {
	there, err := exists(ctx, w.client, w.resource, w.name)
	if err == nil && !there {
		w.tell(nil)
	}
	return err
}

func (w *watcher[V]) query() url.Values {
	q := url.Values{
		"watch":               {"true"},
		"allowWatchBookmarks": {"true"},
		"fieldSelector":       {"metadata.name=" + w.name},
		"timeoutSeconds":      {strconv.Itoa(int(w.backoff.spread(watchLifetime) / time.Second))},
	}
	if w.next != "" {
		q.Set("resourceVersion", w.next)
	}
	return q
}

// watchEvent is what a watch brings. An ERROR has a Status for its object.
type watchEvent[V any] struct {
	Type   string `json:"type"`
	Object *struct {
		object[V]
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"object"`
}

// errObject says that an event has no object.
var errObject = errors.New("an event without an object")

// follow handles events until the stream ends, which is not an error: the next
// watch goes on from there. An event is read in one go, for it brings the whole
// object however little of it has changed.
func (w *watcher[V]) follow(stream *jsontext.Decoder) error {
	got := false
	for {
		var e watchEvent[V]
		err := jsonv2.UnmarshalDecode(stream, &e)
		if _, is := errors.AsType[*jsonv2.SemanticError](err); is || err == nil && e.Object == nil {
			w.next = ""
			return fmt.Errorf("watching %s %q: %w", w.resource, w.name, cmp.Or(err, errObject))
		}
		if err != nil {
			if got {
				return nil
			}
			return fmt.Errorf("watching %s %q: %w: %w", w.resource, w.name, errEnded, err)
		}
		if err := w.handle(&e); err != nil {
			return err
		}
		got = true
		w.failing = false
		w.backoff.reset()
	}
}

func (w *watcher[V]) handle(e *watchEvent[V]) error {
	switch e.Type {
	case "ERROR":
		if e.Object.Code == http.StatusGone {
			return w.expired()
		}
		w.next = ""
		return &statusError{code: e.Object.Code, message: e.Object.Message}
	case "ADDED", "MODIFIED":
		w.tell(&e.Object.object)
	case "DELETED":
		w.tell(nil)
	}
	w.next = e.Object.Metadata.ResourceVersion
	return nil
}

// expired has the next watch begin anew. An API server that was just started has forgotten
// everything: that it says so is its answer after an outage, and no further trouble. Of a
// watch that names no version there is nothing that could have expired.
func (w *watcher[V]) expired() error {
	if w.next != "" {
		w.backoff.reset()
	}
	w.next = ""
	return errExpired
}

// tell passes on what is new: a watch that begins anew repeats what is known.
func (w *watcher[V]) tell(o *object[V]) {
	version := ""
	if o != nil {
		version = o.Metadata.ResourceVersion
	}
	if w.told && version == w.seen {
		return
	}
	w.told, w.seen = true, version
	w.changed(o)
}
