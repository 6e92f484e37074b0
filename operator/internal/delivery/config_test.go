package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
)

const name = "gw-fleetgate-config"

// world is a Writer on a fake API server, with a clock that only the test
// moves, and a cache that can be held back.
type world struct {
	t      *testing.T
	api    client.Client
	writer *delivery.Writer
	owner  apply.Owner
	now    time.Time
	cache  *cache
	live   *counting
}

// cache shows the metadata of the API server's objects as they are, or as they were when
// they were held. It has nothing else. Of an update the answer can be lost.
type cache struct {
	client.Client
	held map[types.NamespacedName]*corev1.ConfigMap
	lost bool
}

var errLost = errors.New("the answer was lost")

func (c *cache) Update(ctx context.Context, obj client.Object, opts ...client.UpdateOption) error {
	if err := c.Client.Update(ctx, obj, opts...); err != nil || !c.lost {
		return err
	}
	return errLost
}

func (c *cache) Get(ctx context.Context, key types.NamespacedName, into client.Object, opts ...client.GetOption) error {
	metadata, is := into.(*metav1.PartialObjectMetadata)
	if !is {
		return fmt.Errorf("the cache has no %T", into)
	}
	if held, ok := c.held[key]; ok && metadata.Kind == "ConfigMap" {
		held.ObjectMeta.DeepCopyInto(&metadata.ObjectMeta)
		return nil
	}
	return c.Client.Get(ctx, key, into, opts...)
}

// counting counts what is read of the API server itself.
type counting struct {
	client.Reader
	reads int
}

func (c *counting) Get(ctx context.Context, key types.NamespacedName, into client.Object, opts ...client.GetOption) error {
	c.reads++
	return c.Reader.Get(ctx, key, into, opts...)
}

func newWorld(t *testing.T, existing ...client.Object) *world {
	api := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(existing...).Build()
	w := &world{
		t: t, api: api, now: time.UnixMilli(1e12), live: &counting{Reader: api},
		cache: &cache{Client: api, held: map[types.NamespacedName]*corev1.ConfigMap{}},
	}
	w.owner = apply.Owner{
		NamespacedName: types.NamespacedName{Namespace: "tenant", Name: "gw"}, UID: "uid-1",
		Labels: map[string]string{"gateway": "gw"},
	}
	w.restart()
	return w
}

// restart gives the world a Writer that remembers nothing.
func (w *world) restart() {
	w.writer = delivery.New(delivery.Options{Client: w.cache, Live: w.live, Now: func() time.Time { return w.now }})
}

func (w *world) hold() {
	w.cache.held[types.NamespacedName{Namespace: "tenant", Name: name}] = w.configMap()
}

func (w *world) configMap() *corev1.ConfigMap {
	w.t.Helper()
	config := &corev1.ConfigMap{}
	if err := w.api.Get(w.t.Context(), types.NamespacedName{Namespace: "tenant", Name: name}, config); err != nil {
		w.t.Fatal(err)
	}
	return config
}

func (w *world) edit(change func(*corev1.ConfigMap)) {
	w.t.Helper()
	config := w.configMap()
	change(config)
	if err := w.api.Update(w.t.Context(), config); err != nil {
		w.t.Fatal(err)
	}
}

// replace stores a sound document of somebody else's, of a later revision.
func (w *world) replace(config *proxyconfig.Config) {
	w.t.Helper()
	self := proxyconfig.Gateway{Namespace: "tenant", Name: "gw", UID: "uid-1"}
	data, _, err := proxyconfig.Encode(self, 3e12, config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.edit(func(c *corev1.ConfigMap) { c.Data[proxyconfig.ConfigKey] = string(data) })
}

func (w *world) put(config *proxyconfig.Config) delivery.ConfigResult {
	w.t.Helper()
	result, err := w.writer.Config(w.t.Context(), w.owner, name, config, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// stored decodes what lies in the ConfigMap.
func (w *world) stored() (*proxyconfig.Document, *proxyconfig.Config) {
	w.t.Helper()
	document, config, _, err := proxyconfig.Decode([]byte(w.configMap().Data[proxyconfig.ConfigKey]))
	if err != nil {
		w.t.Fatal(err)
	}
	return document, config
}

func listener(port int32) *proxyconfig.Config {
	return &proxyconfig.Config{Listeners: []proxyconfig.Listener{{Name: "http", Port: port, Protocol: proxyconfig.HTTP}}}
}

func TestConfigIsCreated(t *testing.T) {
	w := newWorld(t)
	result := w.put(listener(80))
	document, config := w.stored()
	if !result.Written || result.Repaired != "" || result.Revision != 1e12 || result.Hash != document.Hash {
		t.Errorf("got %+v", result)
	}
	want := proxyconfig.Gateway{Namespace: "tenant", Name: "gw", UID: "uid-1"}
	if document.Gateway != want || document.Revision != 1e12 || config.Listeners[0].Port != 80 {
		t.Errorf("got %+v %+v", document, config)
	}
	if live := w.configMap(); !w.owner.Owns(live) || live.Labels["gateway"] != "gw" {
		t.Errorf("the owner or its label is missing: %+v", live.ObjectMeta)
	}
}

func TestConfigIsWrittenOnlyWhenItChanged(t *testing.T) {
	w := newWorld(t)
	w.put(listener(80))
	w.now = w.now.Add(time.Second)
	if result := w.put(listener(80)); result.Written || result.Revision != 1e12 {
		t.Errorf("the same again: %+v", result)
	}
	w.restart()
	if result := w.put(listener(80)); result.Written || result.Revision != 1e12 {
		t.Errorf("the same after a restart: %+v", result)
	}
	if result := w.put(listener(81)); !result.Written || result.Repaired != "" || result.Revision != 1e12+1000 {
		t.Errorf("a change: %+v", result)
	}
}

func TestRevisionGrowsWithoutTheClock(t *testing.T) {
	w := newWorld(t)
	w.put(listener(80))
	w.restart()
	w.now = w.now.Add(-time.Hour)
	for i := range int64(3) {
		if result := w.put(listener(81 + int32(i))); result.Revision != 1e12+1+i {
			t.Errorf("got revision %d", result.Revision)
		}
	}
}

// Changes in quick succession go out although the cache still shows an older
// state, and without asking the API server each time.
func TestConfigWithCacheBehind(t *testing.T) {
	w := newWorld(t)
	w.put(listener(80))
	w.hold()
	for port := int32(81); port < 90; port++ {
		if result := w.put(listener(port)); !result.Written || result.Repaired != "" {
			t.Fatalf("port %d: %+v", port, result)
		}
	}
	if result := w.put(listener(89)); result.Written {
		t.Errorf("the same again: %+v", result)
	}
	if _, config := w.stored(); config.Listeners[0].Port != 89 {
		t.Errorf("got %+v", config)
	}
	if w.live.reads != 0 {
		t.Errorf("that took %d reads of the API server", w.live.reads)
	}
}

// What is restored from a backup has a version that this process has replaced a moment
// ago, as a cache has that is behind.
func TestConfigOfABackupIsReplacedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.put(listener(80))
	backup := w.configMap()
	later := w.put(listener(81))
	api := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(backup).Build()
	w.api, w.cache.Client, w.live.Reader = api, api, api

	result := w.put(listener(80))
	if document, config := w.stored(); !result.Written || document.Revision <= later.Revision || config.Listeners[0].Port != 80 {
		t.Errorf("got %+v, and %+v is stored, of port %d", result, document, config.Listeners[0].Port)
	}
}

func TestConfigIsRepaired(t *testing.T) {
	tests := []struct {
		name string
		edit func(*corev1.ConfigMap)
		want string
	}{
		{"flipped byte", func(c *corev1.ConfigMap) {
			c.Data[proxyconfig.ConfigKey] = strings.Replace(c.Data[proxyconfig.ConfigKey], `"port": 80`, `"port": 81`, 1)
		}, "hash"},
		{"truncated", func(c *corev1.ConfigMap) { c.Data[proxyconfig.ConfigKey] = c.Data[proxyconfig.ConfigKey][:40] }, "malformed"},
		{"emptied", func(c *corev1.ConfigMap) { c.Data = nil }, "keys"},
		{"another key", func(c *corev1.ConfigMap) { c.Data["more"] = "x" }, "keys"},
		{"another document", func(c *corev1.ConfigMap) { c.Data[proxyconfig.ConfigKey] = "{}" }, "schema"},
		{"another Gateway's", func(c *corev1.ConfigMap) {
			other := proxyconfig.Gateway{Namespace: "tenant", Name: "gw", UID: "uid-2"}
			data, _, err := proxyconfig.Encode(other, 2e12, listener(80))
			if err != nil {
				panic(err)
			}
			c.Data[proxyconfig.ConfigKey] = string(data)
		}, "another Gateway's"},
	}
	for _, tt := range tests {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarted %v", tt.name, restarted), func(t *testing.T) {
				w := newWorld(t)
				before := w.put(listener(80))
				w.edit(tt.edit)
				if restarted {
					w.restart()
				}
				result := w.put(listener(80))
				if !result.Written || !strings.Contains(result.Repaired, tt.want) {
					t.Errorf("got %+v", result)
				}
				document, config := w.stored()
				if config.Listeners[0].Port != 80 || !restarted && document.Revision <= before.Revision {
					t.Errorf("got %+v %+v", document, config)
				}
				if again := w.put(listener(80)); again.Written {
					t.Errorf("written again: %+v", again)
				}
			})
		}
	}
}

// After a downgrade, a document of a version to come is no damage.
func TestNewerDocumentIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.put(listener(80))
	w.edit(func(c *corev1.ConfigMap) {
		c.Data[proxyconfig.ConfigKey] = strings.Replace(c.Data[proxyconfig.ConfigKey], proxyconfig.Schema, "proxyconfig.fleetgate.io/v9", 1)
	})
	w.restart()
	if result := w.put(listener(80)); !result.Written || result.Repaired != "" {
		t.Errorf("got %+v", result)
	}
}

// A document that is sound, but not the one that was stored, is put right, and
// its revision is passed, as proxies may have taken it up.
func TestReplacedDocumentIsRepaired(t *testing.T) {
	w := newWorld(t)
	w.put(listener(80))
	w.replace(listener(8080))
	if result := w.put(listener(80)); !strings.Contains(result.Repaired, "replaced") || result.Revision != 3e12+1 {
		t.Errorf("got %+v", result)
	}
}

// A document whose write was not answered is this Writer's own, and needs no repair;
// another one is somebody else's as before.
func TestUnansweredWriteIsNoDamage(t *testing.T) {
	for _, then := range []int32{81, 82} {
		w := newWorld(t)
		w.put(listener(80))
		w.cache.lost = true
		for _, port := range []int32{81, 80, 81} {
			if _, err := w.writer.Config(t.Context(), w.owner, name, listener(port), nil); !errors.Is(err, errLost) {
				t.Fatalf("got %v, want the error of the write", err)
			}
		}
		w.cache.lost = false
		result := w.put(listener(then))
		if result.Repaired != "" || result.Written != (then != 81) {
			t.Errorf("then port %d: got %+v, want no repair, and no write of what is there", then, result)
		}
		w.replace(listener(80))
		if result := w.put(listener(then)); !strings.Contains(result.Repaired, "replaced") {
			t.Errorf("replaced by somebody else: got %+v", result)
		}
	}
}

func TestDeletedConfigIsRepaired(t *testing.T) {
	w := newWorld(t)
	w.put(listener(80))
	if err := w.api.Delete(t.Context(), w.configMap()); err != nil {
		t.Fatal(err)
	}
	if result := w.put(listener(80)); !strings.Contains(result.Repaired, "deleted") || result.Revision != 1e12+1 {
		t.Errorf("got %+v", result)
	}
	if again := w.put(listener(80)); again.Written {
		t.Errorf("written again: %+v", again)
	}
}

// Without its labels the ConfigMap would be out of sight.
func TestLabelsAreRestored(t *testing.T) {
	w := newWorld(t)
	w.put(listener(80))
	w.edit(func(c *corev1.ConfigMap) { c.Labels = map[string]string{"theirs": "yes"} })
	if result := w.put(listener(80)); !result.Written {
		t.Errorf("got %+v", result)
	}
	if got := w.configMap().Labels; got["gateway"] != "gw" || got["theirs"] != "yes" {
		t.Errorf("got labels %v", got)
	}
}

func TestForeignConfigMapIsNeverTouched(t *testing.T) {
	theirs := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, Labels: map[string]string{"gateway": "gw"}},
		Data:       map[string]string{"theirs": "yes"},
	}
	w := newWorld(t, theirs)
	_, err := w.writer.Config(t.Context(), w.owner, name, listener(80), nil)
	var foreign *delivery.ForeignError
	if !errors.As(err, &foreign) || foreign.Conflict.Kind != "ConfigMap" || foreign.Conflict.Name != name {
		t.Errorf("got %v", err)
	}
	if w.configMap().Data["theirs"] != "yes" {
		t.Error("the foreign ConfigMap was changed")
	}
}

func TestWrote(t *testing.T) {
	w := newWorld(t)
	w.put(listener(80))
	first := w.configMap()
	w.put(listener(81))
	if !w.writer.Wrote(w.owner.NamespacedName, first) || !w.writer.Wrote(w.owner.NamespacedName, w.configMap()) {
		t.Error("own writes are not known")
	}
	w.edit(func(c *corev1.ConfigMap) { c.Data["more"] = "x" })
	if w.writer.Wrote(w.owner.NamespacedName, w.configMap()) {
		t.Error("somebody's edit passes for our own")
	}
	w.writer.Forget(w.owner.NamespacedName)
	if w.writer.Wrote(w.owner.NamespacedName, first) {
		t.Error("a forgotten Gateway's object is known")
	}
}
