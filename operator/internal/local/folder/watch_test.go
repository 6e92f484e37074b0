package folder

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// watched runs Watch and returns a function that makes a change and waits until
// it is seen.
func watched(t *testing.T, dir string) (seen func(change func())) {
	t.Helper()
	calls := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Watch(ctx, dir, func() {
			select {
			case calls <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return func(change func()) {
		t.Helper()
		change()
		select {
		case <-calls:
		case <-time.After(30 * time.Second):
			t.Fatal("the change was not seen")
		}
	}
}

func TestWatchSeesWhatEditorsDo(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	seen := watched(t, dir)
	seen(func() {}) // The first call comes by itself.
	seen(func() { must(os.WriteFile(path, []byte("a"), 0o600)) })
	seen(func() { must(os.WriteFile(path, []byte("b"), 0o600)) })
	seen(func() {
		must(os.WriteFile(path+"~", []byte("c"), 0o600))
		must(os.Rename(path+"~", path))
	})
	seen(func() { must(os.Remove(path)) })
}

func TestWatchSurvivesItsFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	seen := watched(t, dir)
	seen(func() {})
	seen(func() {
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
	})
	seen(func() {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	})
	seen(func() {
		if err := os.WriteFile(filepath.Join(dir, "a.yaml"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
}
