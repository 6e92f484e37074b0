package folder

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// The watcher's times: a folder counts as changed once it has been quiet for
// settle, because editors write a file in several steps; maxSettle bounds the
// wait when it is never quiet, and retry is how often a folder that is gone is
// looked for.
const (
	settle    = 100 * time.Millisecond
	maxSettle = time.Second
	retry     = time.Second
)

// Watch calls changed after the YAML files of a folder have changed, from one
// goroutine at a time, until ctx ends. A folder that goes away is watched again
// when it comes back. It returns an error only when the system cannot watch at
// all.
func Watch(ctx context.Context, dir string, changed func()) error {
	for ctx.Err() == nil {
		lost, err := watchOnce(ctx, dir, changed)
		if err != nil && !lost {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(retry):
			changed()
		}
	}
	return nil
}

// watchOnce watches until ctx ends or the folder is lost.
func watchOnce(ctx context.Context, dir string, changed func()) (lost bool, err error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return false, err
	}
	defer w.Close()
	if err := w.Add(dir); err != nil {
		return true, err
	}
	// What changed between the caller's first load and the watch.
	changed()
	s := settler{timer: time.NewTimer(settle)}
	defer s.timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return true, nil
		case <-s.timer.C:
			s.fire(changed)
		case <-w.Errors:
			// Events were lost: what changed is found by reading.
			s.touch()
		case e, ok := <-w.Events:
			if !ok {
				return true, nil
			}
			if e.Name == dir && e.Has(fsnotify.Remove|fsnotify.Rename) {
				changed()
				return true, nil
			}
			if IsYAML(e.Name) {
				s.touch()
			}
		}
	}
}

// settler delays a call until things are quiet.
type settler struct {
	timer *time.Timer
	// since is when the first change of this burst came; zero when there is none.
	since time.Time
}

func (s *settler) touch() {
	now := time.Now()
	if s.since.IsZero() {
		s.since = now
	}
	if now.Sub(s.since) < maxSettle {
		s.timer.Reset(settle)
	}
}

func (s *settler) fire(changed func()) {
	if !s.since.IsZero() {
		s.since = time.Time{}
		changed()
	}
}
