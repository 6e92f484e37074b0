package configsource

import (
	"fmt"
	"maps"
	"slices"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// A ReadPart returns the bytes of a part. Its error wraps
// proxyconfig.ErrIncomplete where there is no such part in that version.
type ReadPart func(proxyconfig.Part) ([]byte, error)

// missing is the error for a part that is not there.
func missing(p proxyconfig.Part) error {
	return fmt.Errorf("%w: %s", proxyconfig.ErrIncomplete, p.Name())
}

// parted is a configuration that was put together.
type parted struct {
	config    *proxyconfig.Config
	fragments proxyconfig.Fragments
	// read are the bytes of the parts that were not at hand, by key.
	read     map[string][]byte
	warnings proxyconfig.Warnings
}

// gather puts a configuration together: the parts that serve already, in the
// configuration before, are taken over, and only the others are read and decoded. A
// configuration without parts is complete as it is.
func gather(index, before *proxyconfig.Config, serving proxyconfig.Fragments, read ReadPart) (parted, error) {
	if len(index.Parts) == 0 {
		return parted{config: index}, nil
	}
	out := parted{fragments: make(proxyconfig.Fragments, len(index.Parts)), read: map[string][]byte{}}
	for _, p := range index.Parts {
		if out.fragments[p] = serving[p]; out.fragments[p] != nil {
			continue
		}
		if err := out.fetch(p, versionBefore(p, serving), read); err != nil {
			return parted{}, err
		}
	}
	var err error
	out.config, err = proxyconfig.Assemble(index, out.fragments)
	return out, err
}

// versionBefore is another version of a part that serves, or nil.
func versionBefore(p proxyconfig.Part, serving proxyconfig.Fragments) *proxyconfig.Config {
	for other, fragment := range serving {
		if other.Kind == p.Kind && other.Number == p.Number {
			return fragment
		}
	}
	return nil
}

func (g *parted) fetch(p proxyconfig.Part, before *proxyconfig.Config, read ReadPart) error {
	if read == nil {
		return missing(p)
	}
	data, err := read(p)
	if err != nil {
		return err
	}
	fragment, warnings, err := proxyconfig.DecodePartAfter(p, data, before)
	if err != nil {
		return err
	}
	g.fragments[p], g.read[p.Key()] = fragment, data
	g.warnings.UnknownFields += warnings.UnknownFields
	return nil
}

// kept are the parts by key with the bytes of those that were read just now; the
// others are where Options.Save has put them before.
func (g *parted) kept() map[string][]byte {
	all := maps.Clone(g.read)
	for p := range g.fragments {
		if _, ok := all[p.Key()]; !ok {
			all[p.Key()] = nil
		}
	}
	return all
}

// Serving are the parts of the configuration that serves. It is safe for
// concurrent use.
func (c *Coordinator) Serving() []proxyconfig.Part {
	if parts := c.parts.Load(); parts != nil {
		return slices.Collect(maps.Keys(*parts))
	}
	return nil
}

func (c *Coordinator) fragments() proxyconfig.Fragments {
	if parts := c.parts.Load(); parts != nil {
		return *parts
	}
	return nil
}
