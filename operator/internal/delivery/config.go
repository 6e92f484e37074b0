package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/apply"
	"github.com/fleetgate/fleetgate/operator/internal/edition"
)

// ConfigResult is what became of a configuration.
type ConfigResult struct {
	// Hash is that of the configuration that was given, without what was dropped.
	Hash string
	// Revision is the stored document's, and zero when nothing is stored.
	Revision int64
	// Written says that the document was created or changed.
	Written bool
	// Repaired says what was wrong with the stored document, if it was not what
	// this operator had stored.
	Repaired string
	// Dropped are the items that were left out, as they exceed the budget.
	Dropped []proxyconfig.RefusedItem
	// Encoded is how many parts were encoded, Parts how many of them were written,
	// and Bytes how much data the writes had, the document's among them.
	Encoded, Parts, Bytes int
}

// Config stores the configuration in the ConfigMap of the given name, unless it
// is there already, and past proxyconfig.SplitBytes in ConfigMaps for its parts. Of
// what is given nothing may be changed any more but the lists of routes and backends
// themselves. The edition tells what differs from the last one that was stored; nil
// stands for anything. It returns a *ForeignError when a ConfigMap is not the owner's.
//
// The document's revision is greater than that of any document that was there
// before, as far as one can tell: it is taken from the clock, and counts on
// from the stored one where the clock is behind.
func (w *Writer) Config(ctx context.Context, owner apply.Owner, name string, config *proxyconfig.Config, of *edition.Edition) (ConfigResult, error) {
	c := &configWrite{
		Writer: w, ctx: ctx, owner: owner, config: config, edition: of,
		key:    types.NamespacedName{Namespace: owner.Namespace, Name: name},
		memory: w.memory(owner.NamespacedName), now: w.opts.Now(),
	}
	if err := c.prepare(); err != nil {
		return c.result, err
	}
	if err := c.bringDocument(); err != nil {
		return c.result, err
	}
	return c.result, c.dropParts()
}

// configWrite is one call of Config.
type configWrite struct {
	*Writer
	ctx    context.Context
	owner  apply.Owner
	key    types.NamespacedName
	config *proxyconfig.Config
	// edition is that of config, and differs what is known to differ from the one whose
	// cuts are remembered.
	edition *edition.Edition
	differs *proxyconfig.Config
	// cuts are nil for a configuration of one document; parts are what it says of theirs.
	cuts   cuts
	parts  []proxyconfig.Part
	memory *memory
	// now is when the call began: what a cache may still show does not change meanwhile.
	now time.Time
	// seen is what metadata has returned last.
	seen   *metav1.PartialObjectMetadata
	result ConfigResult
}

// prepare decides between one document and parts, and hashes what is to be stored.
func (c *configWrite) prepare() error {
	if known := c.memory.prepared; known != nil && known.edition != nil && known.edition == c.edition {
		c.cuts, c.parts, c.result.Hash, c.result.Dropped = c.memory.cuts, known.parts, known.hash, known.dropped
		return nil
	}
	if c.memory.prepared != nil {
		c.differs = c.edition.Since(c.memory.prepared.edition)
	}
	c.memory.prepared = nil
	if err := c.cut(); err != nil {
		return err
	}
	c.memory.prepared = &prepared{edition: c.edition, hash: c.result.Hash, parts: c.parts, dropped: c.result.Dropped}
	return nil
}

// prepared is what has been found out about a configuration.
type prepared struct {
	edition *edition.Edition
	hash    string
	parts   []proxyconfig.Part
	dropped []proxyconfig.RefusedItem
}

func (c *configWrite) cut() error {
	split, err := c.large()
	if err != nil || !split {
		c.memory.cuts, c.memory.index, c.memory.layout = nil, nil, proxyconfig.Layout{}
		return err
	}
	c.cuts, c.result.Encoded, err = divide(c.config, c.differs, c.memory.cuts)
	// Where that goes wrong, those of before are not what they were any more.
	c.memory.cuts = c.cuts
	if err != nil {
		return err
	}
	c.result.Dropped = c.cuts.dropped(c.config)
	if c.memory.index == nil {
		c.memory.index = &proxyconfig.Index{}
	}
	c.memory.layout = c.cuts.layout(c.memory.layout)
	c.parts = c.memory.layout.Parts
	err = c.memory.index.Set(c.config, c.cuts.traits(), c.memory.layout)
	c.result.Hash = c.memory.index.Hash()
	return err
}

// leastBytes is what an item has at least in a document.
const leastBytes = 64

// large says whether the configuration is to lie in parts, and hashes one that is
// not. One that does stays so until it is well below the size: each change
// between the two is a write of everything.
func (c *configWrite) large() (bool, error) {
	limit := proxyconfig.SplitBytes
	if c.memory.cuts != nil {
		limit /= 2
	}
	if len(c.config.Listeners)+len(c.config.Routes)+len(c.config.Backends) > limit/leastBytes {
		return true, nil
	}
	raw, err := json.Marshal(c.config)
	if err != nil || len(raw) > limit {
		return err == nil, err
	}
	c.result.Hash, err = proxyconfig.Hash(c.config)
	return false, err
}

// bringDocument stores the parts, and then the document that names them.
func (c *configWrite) bringDocument() error {
	live, err := c.last(c.key, &c.memory.config)
	for range attempts {
		if err != nil {
			return err
		}
		var raced bool
		if raced, err = c.bring(live); !raced || err != nil {
			return err
		}
		live, err = c.again(c.key, &c.memory.config)
	}
	return fmt.Errorf("writing ConfigMap %s: others keep changing it", c.key)
}

// bring compares live with what is wanted, and writes when they differ.
func (c *configWrite) bring(live *corev1.ConfigMap) (raced bool, err error) {
	if live != nil && !c.owner.Owns(live) {
		return false, foreign("ConfigMap", live)
	}
	stored := c.inspect(live)
	if err := c.storeParts(stored.parts); err != nil {
		return false, err
	}
	if stored.damage == "" && stored.hash == c.result.Hash && stored.revision > c.memory.surpass && marked(live, c.owner) {
		c.result.Revision = stored.revision
		return false, nil
	}
	revision := max(stored.revision, c.memory.config.revision, c.memory.surpass)
	revision = max(revision+1, c.opts.Now().UnixMilli())
	data, err := c.encode(revision)
	if err != nil {
		return false, err
	}
	return c.write(live, data, revision, stored.damage)
}

func (c *configWrite) encode(revision int64) (string, error) {
	if c.cuts != nil {
		return c.memory.index.Document(c.identity(), revision)
	}
	data, _, err := proxyconfig.Encode(c.identity(), revision, c.config)
	return string(data), err
}

func (c *configWrite) write(live *corev1.ConfigMap, data string, revision int64, damage string) (raced bool, err error) {
	next := c.renewed(live, c.key, &c.memory.config)
	next.Data = map[string]string{proxyconfig.ConfigKey: data}
	c.locked(func() { c.memory.config.try(c.result.Hash, revision) })
	if raced, err = c.store(c.ctx, next); raced || err != nil {
		if err != nil {
			err = fmt.Errorf("writing ConfigMap %s: %w", c.key, err)
		}
		return raced, err
	}
	c.locked(func() {
		c.memory.config.set(next.UID, next.ResourceVersion, c.result.Hash, c.opts.Now())
		c.memory.config.revision = revision
		c.memory.config.parts = c.parts
	})
	c.result.Revision, c.result.Written = revision, true
	c.result.Bytes += len(data)
	if damage != "" {
		c.result.Repaired = damage
	}
	return false, nil
}

// schemas is what the names of all versions of the contract have in common.
const schemas = `"proxyconfig.fleetgate.io/`

// stored is what lies in the ConfigMap.
type stored struct {
	hash     string
	revision int64
	// parts are those that the document names.
	parts []proxyconfig.Part
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
	case known.covers(live, c.now):
		return stored{hash: known.content, revision: known.revision, parts: known.parts}
	}
	found := c.decode(live)
	if found.damage == "" && known.version != "" && !known.wrote(found.hash, found.revision) {
		found.damage = "somebody else replaced the document"
	}
	if found.damage == "" {
		c.locked(func() {
			known.set(live.UID, live.ResourceVersion, found.hash, c.opts.Now())
			known.revision = max(found.revision, known.revision)
			known.parts = found.parts
		})
	}
	return found
}

func (c *configWrite) decode(live *corev1.ConfigMap) stored {
	text, ok := live.Data[proxyconfig.ConfigKey]
	if !ok || len(live.Data) != 1 || len(live.BinaryData) != 0 {
		return stored{damage: fmt.Sprintf("its keys are not just %q", proxyconfig.ConfigKey)}
	}
	document, config, _, err := proxyconfig.Decode([]byte(text))
	switch {
	case errors.Is(err, proxyconfig.ErrRequires), errors.Is(err, proxyconfig.ErrSchema) && strings.Contains(text, schemas):
		// A newer operator wrote it. Ours is what this cluster runs now.
		return stored{}
	case err != nil:
		return stored{damage: err.Error()}
	case document.Gateway != c.identity():
		return stored{revision: document.Revision, damage: "the document is another Gateway's"}
	}
	return stored{hash: document.Hash, revision: document.Revision, parts: config.Parts}
}

func (c *configWrite) identity() proxyconfig.Gateway {
	return proxyconfig.Gateway{Namespace: c.owner.Namespace, Name: c.owner.Name, UID: string(c.owner.UID)}
}
