package configsource

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

// volume is a directory that is written as the kubelet does: each version in a
// directory of its own, behind a link that is swapped, with the old version
// removed after the swap.
type volume struct {
	t       *testing.T
	dir     string
	version int
}

func newVolume(t *testing.T) *volume { return &volume{t: t, dir: t.TempDir()} }

func (v *volume) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

func (v *volume) write(files map[string]string) {
	v.t.Helper()
	old := fmt.Sprintf("..v%d", v.version)
	v.version++
	name := fmt.Sprintf("..v%d", v.version)
	v.must(os.Mkdir(filepath.Join(v.dir, name), 0o755))
	for file, text := range files {
		v.must(os.WriteFile(filepath.Join(v.dir, name, file), []byte(text), 0o644))
	}
	tmp, link := filepath.Join(v.dir, "..data_tmp"), filepath.Join(v.dir, dataLink)
	v.must(os.Symlink(name, tmp))
	v.must(os.Rename(tmp, link))
	for file := range files {
		if _, err := os.Lstat(filepath.Join(v.dir, file)); err != nil {
			v.must(os.Symlink(filepath.Join(dataLink, file), filepath.Join(v.dir, file)))
		}
	}
	v.must(os.RemoveAll(filepath.Join(v.dir, old)))
}

// runMount starts the lane without polling worth the name, so that what arrives
// was notified.
func runMount(t *testing.T, dir string) <-chan Observation {
	t.Helper()
	out := make(chan Observation)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	m := &MountedConfig{Dir: dir, Poll: time.Hour, Log: logr.Discard()}
	wg.Go(func() { m.Run(ctx, out) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return out
}

// await returns the first observation whose document is text.
func await(t *testing.T, out <-chan Observation, text string) Observation {
	t.Helper()
	for {
		select {
		case o := <-out:
			if string(o.Document) == text {
				return o
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("no observation of %q", text)
		}
	}
}

func TestMountFollowsTheKubeletsSwap(t *testing.T) {
	v := newVolume(t)
	v.write(map[string]string{"config.json": "one", "a.crt": "cert", "a.key": "key", "half.crt": "x", "other": "y"})
	out := runMount(t, v.dir)
	o := await(t, out, "one")
	if len(o.Certificates) != 1 || string(o.Certificates["a"].Key) != "key" || o.Source != Mount {
		t.Errorf("got %+v", o)
	}
	for i := range 5 {
		text := fmt.Sprint("version ", i)
		v.write(map[string]string{"config.json": text, "a.crt": text, "a.key": text})
		if o := await(t, out, text); string(o.Certificates["a"].Certificate) != text {
			t.Errorf("got %+v", o)
		}
	}
	v.write(map[string]string{"a.crt": "cert"})
	await(t, out, "")
}

func TestMountFollowsAPlainDirectory(t *testing.T) {
	dir := t.TempDir()
	out := runMount(t, dir)
	await(t, out, "")
	for _, text := range []string{"one", "two"} {
		tmp := filepath.Join(dir, ".tmp")
		if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(dir, "config.json")); err != nil {
			t.Fatal(err)
		}
		await(t, out, text)
	}
}

func TestMountPollsForADirectoryThatComesLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	out := make(chan Observation)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	m := &MountedConfig{Dir: dir, Poll: time.Millisecond, Log: logr.Discard()}
	wg.Go(func() { m.Run(ctx, out) })
	defer wg.Wait()
	defer cancel()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("late"), 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, out, "late")
}

// Read must never return a document of one version with a key of another,
// however fast versions follow each other.
func TestReadIsNeverTorn(t *testing.T) {
	v := newVolume(t)
	v.write(map[string]string{"config.json": "v0", "a.crt": "v0", "a.key": "v0"})
	m := &MountedConfig{Dir: v.dir, Log: logr.Discard()}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			o, err := m.Read()
			if err != nil {
				continue // caught in a swap five times in a row: the next event tells
			}
			text := string(o.Document)
			pair := o.Certificates["a"]
			if !strings.HasPrefix(text, "v") || string(pair.Certificate) != text || string(pair.Key) != text {
				t.Errorf("torn read: %q %q", text, pair.Certificate)
			}
		}
	})
	for i := range 300 {
		text := fmt.Sprint("v", i)
		v.write(map[string]string{"config.json": text, "a.crt": text, "a.key": text})
	}
	close(stop)
	wg.Wait()
}
