package folder

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// watched runs Watch on a folder with at most a file a.yaml. The function that
// it returns makes a change and waits for a call that finds the file's content
// as wanted; "gone" is the content of a file that is not there.
func watched(t *testing.T, dir string) (see func(want string, change func() error)) {
	t.Helper()
	contents := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Watch(ctx, dir, func() { contents <- contentOf(dir) }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return func(want string, change func() error) {
		t.Helper()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		deadline := time.After(30 * time.Second)
		for {
			select {
			case got := <-contents:
				if got == want {
					return
				}
			case <-deadline:
				t.Fatalf("no call found %q", want)
			}
		}
	}
}

func contentOf(dir string) string {
	content, err := os.ReadFile(filepath.Join(dir, "a.yaml"))
	if err != nil {
		return "gone"
	}
	return string(content)
}

func TestWatchSeesWhatEditorsDo(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	see := watched(t, dir)
	see("gone", func() error { return nil }) // The first call comes by itself.
	see("one", func() error { return os.WriteFile(path, []byte("one"), 0o600) })
	see("two", func() error { return os.WriteFile(path, []byte("two"), 0o600) })
	see("three", func() error {
		if err := os.WriteFile(path+"~", []byte("three"), 0o600); err != nil {
			return err
		}
		return os.Rename(path+"~", path)
	})
	see("gone", func() error { return os.Remove(path) })
}

func TestWatchFindsAFolderThatCameBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	path := filepath.Join(dir, "a.yaml")
	see := watched(t, dir) // Not there yet.
	see("gone", func() error { return os.Mkdir(dir, 0o700) })
	see("one", func() error { return os.WriteFile(path, []byte("one"), 0o600) })
	see("gone", func() error { return os.RemoveAll(dir) })
	see("gone", func() error { return os.Mkdir(dir, 0o700) })
	see("two", func() error { return os.WriteFile(path, []byte("two"), 0o600) })
}
