package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/apply"
)

// ConfigResult is what became of a configuration.
type ConfigResult struct {
	// Hash is that of the configuration that was given.
	Hash string
	// Revision is the stored document's, and zero when nothing is stored.
	Revision int64
	// Written says that the ConfigMap was created or changed.
	Written bool
	// Repaired says what was wrong with the stored document, if it was not what
	// this operator had stored.
	Repaired string
	// TooLarge says why the configuration was not stored. The last one that
	// was stays.
	TooLarge string
}

// Config stores the configuration in the ConfigMap of the given name, unless it
// is there already. It returns a *ForeignError when the ConfigMap is not the
// owner's.
//
// The document's revision is greater than that of any document that was there
// before, as far as one can tell: it is taken from the clock, and counts on
// from the stored one where the clock is behind.
func (w *Writer) Config(ctx context.Context, owner apply.Owner, name string, config *proxyconfig.Config) (ConfigResult, error) {
	hash, err := proxyconfig.Hash(config)
	if err != nil {
		return ConfigResult{}, err
	}
	c := &configWrite{
		Writer: w, ctx: ctx, owner: owner, config: config,
		key:    types.NamespacedName{Namespace: owner.Namespace, Name: name},
		memory: w.memory(owner.NamespacedName),
		result: ConfigResult{Hash: hash},
	}
	live, err := c.cached()
	for range attempts {
		if err != nil {
			return c.result, err
		}
		var raced bool
		if raced, err = c.bring(live); !raced || err != nil {
			return c.result, err
		}
		live, err = c.read(w.opts.Live)
	}
	return c.result, fmt.Errorf("writing ConfigMap %s: others keep changing it", c.key)
}

// configWrite is one call of Config.
type configWrite struct {
	*Writer
	ctx    context.Context
	owner  apply.Owner
	key    types.NamespacedName
	config *proxyconfig.Config
	memory *memory
	result ConfigResult
}

// cached returns the ConfigMap from the cache if that can be trusted, else from
// the API server; nil when there is none.
func (c *configWrite) cached() (*corev1.ConfigMap, error) {
	live, err := c.read(c.opts.Client)
	if err != nil || live == nil && c.memory.config.version == "" {
		return live, err
	}
	if live != nil && (c.memory.config.version == "" || c.memory.config.covers(live)) {
		return live, nil
	}
	return c.read(c.opts.Live)
}

func (c *configWrite) read(from client.Reader) (*corev1.ConfigMap, error) {
	live := &corev1.ConfigMap{}
	err := from.Get(c.ctx, c.key, live)
	switch {
	case err == nil:
		return live, nil
	case apierrors.IsNotFound(err):
		return nil, nil
	default:
		return nil, fmt.Errorf("reading ConfigMap %s: %w", c.key, err)
	}
}

// bring compares live with what is wanted, and writes when they differ.
func (c *configWrite) bring(live *corev1.ConfigMap) (raced bool, err error) {
	if live != nil && !c.owner.Owns(live) {
		return false, foreign("ConfigMap", live)
	}
	stored := c.inspect(live)
	if stored.damage == "" && stored.hash == c.result.Hash && marked(live, c.owner) {
		c.result.Revision = stored.revision
		return false, nil
	}
	revision := max(stored.revision, c.memory.config.revision)
	revision = max(revision+1, c.opts.Now().UnixMilli())
	data, _, err := proxyconfig.Encode(c.identity(), revision, c.config)
	if errors.Is(err, proxyconfig.ErrTooLarge) {
		c.result.TooLarge, c.result.Revision = err.Error(), stored.revision
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return c.write(live, data, revision, stored.damage)
}

func (c *configWrite) write(live *corev1.ConfigMap, data []byte, revision int64, damage string) (raced bool, err error) {
	next := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: c.key.Namespace, Name: c.key.Name}}
	if live != nil {
		live.ObjectMeta.DeepCopyInto(&next.ObjectMeta)
		next.ManagedFields = nil
		if c.memory.config.covers(live) {
			// The cache may be behind; the content is known all the same.
			next.ResourceVersion = c.memory.config.version
		}
	}
	adopt(next, c.owner)
	next.Data = map[string]string{proxyconfig.ConfigKey: string(data)}
	if raced, err = c.store(c.ctx, next); raced || err != nil {
		if err != nil {
			err = fmt.Errorf("writing ConfigMap %s: %w", c.key, err)
		}
		return raced, err
	}
	c.locked(func() {
		c.memory.config.set(next.UID, next.ResourceVersion, c.result.Hash)
		c.memory.config.revision = revision
	})
	c.result.Revision, c.result.Written, c.result.Repaired = revision, true, damage
	return false, nil
}

// schemas is what the names of all versions of the contract have in common.
const schemas = `"proxyconfig.fleetgate.io/`

// stored is what lies in the ConfigMap.
type stored struct {
	hash     string
	revision int64
	// damage says why the document cannot be one that this operator stored.
	damage string
}

// inspect looks at the stored document. One that this process has written, and
// that nobody has touched since, need not be read.
func (c *configWrite) inspect(live *corev1.ConfigMap) stored {
	known := &c.memory.config
	switch {
	case live == nil && known.version != "":
		return stored{revision: known.revision, damage: "it was deleted"}
	case live == nil:
		return stored{}
	case known.covers(live):
		return stored{hash: known.content, revision: known.revision}
	}
	found := c.decode(live)
	if found.damage == "" && known.version != "" && found.hash != known.content {
		found.damage = "somebody else replaced the document"
	}
	if found.damage == "" {
		c.locked(func() {
			known.set(live.UID, live.ResourceVersion, found.hash)
			known.revision = max(found.revision, known.revision)
		})
	}
	return found
}

func (c *configWrite) decode(live *corev1.ConfigMap) stored {
	text, ok := live.Data[proxyconfig.ConfigKey]
	if !ok || len(live.Data) != 1 || len(live.BinaryData) != 0 {
		return stored{damage: fmt.Sprintf("its keys are not just %q", proxyconfig.ConfigKey)}
	}
	document, _, _, err := proxyconfig.Decode([]byte(text))
	switch {
	case errors.Is(err, proxyconfig.ErrRequires), errors.Is(err, proxyconfig.ErrSchema) && strings.Contains(text, schemas):
		// A newer operator wrote it. Ours is what this cluster runs now.
		return stored{}
	case err != nil:
		return stored{damage: err.Error()}
	case document.Gateway != c.identity():
		return stored{revision: document.Revision, damage: "the document is another Gateway's"}
	}
	return stored{hash: document.Hash, revision: document.Revision}
}

func (c *configWrite) identity() proxyconfig.Gateway {
	return proxyconfig.Gateway{Namespace: c.owner.Namespace, Name: c.owner.Name, UID: string(c.owner.UID)}
}
