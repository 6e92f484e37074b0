package delivery

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// partWrite brings one part into its ConfigMap.
type partWrite struct {
	*configWrite
	cut   *cut
	key   types.NamespacedName
	known *written
}

func (c *configWrite) partKey(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: c.key.Namespace, Name: c.key.Name + "-" + name}
}

// storeParts stores the parts that are not there yet. The version that the stored
// index names stays beside the new one, so that whoever reads that index has all
// of it.
func (c *configWrite) storeParts(current []proxyconfig.Part) error {
	for _, cut := range inOrder(c.cuts) {
		key := c.partKey(cut.name())
		p := &partWrite{configWrite: c, cut: cut, key: key, known: c.partMemory(key.Name)}
		if err := p.run(current); err != nil {
			return err
		}
		cut.data = nil
	}
	return nil
}

func (c *configWrite) partMemory(name string) *written {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.memory.parts[name] == nil {
		c.memory.parts[name] = &written{}
	}
	return c.memory.parts[name]
}

func (p *partWrite) run(current []proxyconfig.Part) error {
	if done, err := p.settled(); done || err != nil {
		return err
	}
	live, err := p.last(p.key, p.known)
	for range attempts {
		if err != nil {
			return err
		}
		var raced bool
		if raced, err = p.bring(live, current); !raced || err != nil {
			return err
		}
		live, err = p.again(p.key, p.known)
	}
	return fmt.Errorf("writing ConfigMap %s: others keep changing it", p.key)
}

// settled says whether the part is known to be there, and nobody has touched it since: so it
// is with most parts.
func (p *partWrite) settled() (bool, error) {
	if _, stored := p.known.versions[p.cut.part.Key()]; !stored {
		return false, nil
	}
	seen, err := p.metadata(p.key)
	return seen != nil && p.known.covers(seen, p.now) && p.owner.Owns(seen) && marked(seen, p.owner), err
}

func (p *partWrite) bring(live *corev1.ConfigMap, current []proxyconfig.Part) (raced bool, err error) {
	if live != nil && !p.owner.Owns(live) {
		return false, foreign("ConfigMap", live)
	}
	if live != nil && marked(live, p.owner) && p.holds(live) {
		return false, nil
	}
	if slices.Contains(current, p.cut.part) {
		p.result.Repaired = fmt.Sprintf("part %s was not as it had been stored", p.cut.name())
	}
	if p.cut.data == nil {
		// It was stored, and is to be stored again.
		if _, p.cut.data, err = proxyconfig.EncodePart(p.cut.kind, p.cut.number, p.cut.kept); err != nil {
			return false, err
		}
	}
	return p.write(live, current)
}

// holds says whether the ConfigMap has the part, and nothing that could not have
// been stored. What this process has stored, and nobody has touched since, need
// not be read.
func (p *partWrite) holds(live *corev1.ConfigMap) bool {
	data, there := live.BinaryData[p.cut.part.Key()]
	if !there || p.known.covers(live, p.now) {
		return there
	}
	if _, _, err := proxyconfig.DecodePart(p.cut.part, data); err != nil {
		return false
	}
	p.remember(live)
	return true
}

func (p *partWrite) remember(live *corev1.ConfigMap) {
	p.locked(func() { p.known.set(live.UID, live.ResourceVersion, "", p.opts.Now()) })
	p.known.versions = live.BinaryData
}

func (p *partWrite) write(live *corev1.ConfigMap, current []proxyconfig.Part) (raced bool, err error) {
	next := p.renewed(live, p.key, p.known)
	next.BinaryData = map[string][]byte{p.cut.part.Key(): p.cut.data}
	for _, before := range current {
		if data := kept(live, before.Key()); before.Name() == p.cut.name() && before != p.cut.part && data != nil {
			next.BinaryData[before.Key()] = data
		}
	}
	for _, data := range next.BinaryData {
		p.result.Bytes += len(data)
	}
	if raced, err = p.store(p.ctx, next); raced || err != nil {
		if err != nil {
			err = fmt.Errorf("writing ConfigMap %s: %w", p.key, err)
		}
		return raced, err
	}
	p.remember(next)
	p.result.Parts++
	return false, nil
}

func kept(live *corev1.ConfigMap, key string) []byte {
	if live == nil {
		return nil
	}
	return live.BinaryData[key]
}

// dropParts removes the ConfigMaps of the parts that the configuration does not
// have any more. It looks once after each change of what it has.
func (c *configWrite) dropParts() error {
	wanted := make([]string, 0, len(c.cuts))
	for _, cut := range inOrder(c.cuts) {
		wanted = append(wanted, cut.name())
	}
	have := "parts " + strings.Join(wanted, " ")
	if c.memory.have == have {
		return nil
	}
	for _, name := range proxyconfig.PartNames() {
		if slices.Contains(wanted, name) {
			continue
		}
		if err := c.dropPart(c.partKey(name)); err != nil {
			return err
		}
	}
	c.memory.have = have
	return nil
}

func (c *configWrite) dropPart(key types.NamespacedName) error {
	live, err := c.metadata(key)
	if err != nil || live == nil || !c.owner.Owns(live) {
		return err
	}
	err = c.opts.Client.Delete(c.ctx, live, client.Preconditions{UID: &live.UID})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return fmt.Errorf("deleting ConfigMap %s: %w", key, err)
	}
	c.locked(func() { delete(c.memory.parts, key.Name) })
	return nil
}

// renewed is the ConfigMap to be written in place of live, without its data.
func (c *configWrite) renewed(live *corev1.ConfigMap, key types.NamespacedName, known *written) *corev1.ConfigMap {
	next := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	if live != nil {
		live.ObjectMeta.DeepCopyInto(&next.ObjectMeta)
		next.ManagedFields = nil
		if known.covers(live, c.now) {
			// The cache may be behind; the content is known all the same.
			next.ResourceVersion = known.version
		}
	}
	adopt(next, c.owner)
	return next
}
