package proxyconfig

import "fmt"

// Fragments are decoded parts. They must not be changed.
type Fragments map[Part]*Config

// Assemble returns the configuration of an index and of its parts, all of which have to
// be there. It has the items of the index; those of the parts are among its pieces
// alone, as nothing of them is copied.
func Assemble(index *Config, fragments Fragments) (*Config, error) {
	superseded := make(map[string][]int, len(index.Superseded))
	for _, s := range index.Superseded {
		superseded[s.Part] = s.Items
	}
	whole := *index
	whole.Superseded, whole.joined = nil, make([]joined, 0, len(index.Parts))
	for _, p := range index.Parts {
		f, without := fragments[p], superseded[p.Name()]
		if f == nil {
			return nil, fmt.Errorf("%w: %s", ErrIncomplete, p.Name())
		}
		// Each part holds one kind, as DecodePart sees to.
		if items := len(f.Listeners) + len(f.Routes) + len(f.Backends); len(without) > 0 && without[len(without)-1] >= items {
			return nil, fmt.Errorf("%w: part %s has %d items, of which %v are superseded", ErrMalformed, p.Name(), items, without)
		}
		whole.joined = append(whole.joined, joined{f, without})
	}
	return &whole, nil
}
