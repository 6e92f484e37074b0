package fleet

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// visible are the contents of a volume by file name.
func visible(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range entries {
		if e.Name()[0] == '.' {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = string(content)
	}
	return got
}

func TestWriteVolumeReplacesTheWholeSet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "volume")
	for _, want := range []map[string]string{
		{"config.json": "1", "a.crt": "x"},
		{"config.json": "2", "b.crt": "y"},
		{"config.json": "3"},
	} {
		files := map[string][]byte{}
		for name, content := range want {
			files[name] = []byte(content)
		}
		if err := writeVolume(dir, files); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, visible(t, dir)); diff != "" {
			t.Error(diff)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("old generations are left: %v, %v", entries, err)
	}
}

// A reader that goes through ..data once sees one set.
func TestWriteVolumeIsAtomic(t *testing.T) {
	dir := t.TempDir()
	write := func(i int) {
		content := []byte(fmt.Sprint(i))
		if err := writeVolume(dir, map[string][]byte{"one": content, "two": content}); err != nil {
			t.Error(err)
		}
	}
	write(0)
	var writer sync.WaitGroup
	done := make(chan struct{})
	writer.Go(func() {
		defer close(done)
		for i := range 200 {
			write(i)
		}
	})
	defer writer.Wait()
	for {
		select {
		case <-done:
			return
		default:
		}
		generation, err := os.Readlink(filepath.Join(dir, volumeData))
		if err != nil {
			t.Fatal(err)
		}
		one, err1 := os.ReadFile(filepath.Join(dir, generation, "one"))
		two, err2 := os.ReadFile(filepath.Join(dir, generation, "two"))
		if err1 == nil && err2 == nil && string(one) != string(two) {
			t.Fatalf("one is %q and two is %q", one, two)
		}
	}
}
