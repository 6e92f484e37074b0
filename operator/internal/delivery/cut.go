package delivery

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// cut is one part of a configuration.
type cut struct {
	kind   proxyconfig.PartKind
	number int
	// given is what is to be read of the part and of the index, kept what the part
	// holds, and amended what of the two differs. Their lists share memory where they are
	// the same pointer, and else not.
	given, kept *proxyconfig.Config
	amended     amendment
	// spare, which may be nil, is what was kept until kept became what is given. It has
	// memory for when the two differ again, and nothing else.
	spare *proxyconfig.Config
	part  proxyconfig.Part
	// data is what is to be stored; nil once it is.
	data    []byte
	dropped []proxyconfig.RefusedItem
	// differs is what of given is not as in the cut before it; nil where that is not known.
	differs *proxyconfig.Config
	// traits are those of given.
	traits proxyconfig.Traits
}

func (c *cut) name() string { return proxyconfig.PartName(c.kind, c.number) }

// cuts are the parts of one configuration that hold something, by name.
type cuts map[string]*cut

// divide cuts a configuration into parts. What is the same as in the cuts before is taken
// over, and a few changes of a part are put beside it, so that few parts are encoded; it
// returns how many these were. Differs is what is not as it was when these were cut, and
// nil where that is not known.
func divide(config, differs *proxyconfig.Config, before cuts) (cuts, int, error) {
	next, encoded := make(cuts), 0
	for _, c := range spread(config, differs, before) {
		old := before[c.name()]
		if c == old {
			next[c.name()] = old
			continue
		}
		if old != nil && c.differs == nil && sameItems(old.given, c.given) {
			old.renew(c.given)
			next[c.name()] = old
			continue
		}
		next[c.name()] = c
		if old != nil {
			if c.amend(old) {
				continue
			}
			c.kept = old.kept
		}
		encoded++
		if err := c.fit(); err != nil {
			return nil, 0, err
		}
	}
	folded, err := next.fold()
	if err != nil {
		return nil, 0, err
	}
	return next, encoded + folded, nil
}

// renew has the part hold what is the same and lies elsewhere, so that it need not be
// compared in depth the next time, and what it was made of before is not kept.
func (c *cut) renew(given *proxyconfig.Config) {
	if c.kept == c.given {
		c.kept = given
	}
	c.given = given
}

var partNames = proxyconfig.PartNames()

// inOrder are the cuts in the order of proxyconfig.PartNames.
func inOrder(all cuts) []*cut {
	var list []*cut
	for _, name := range partNames {
		if c := all[name]; c != nil {
			list = append(list, c)
		}
	}
	return list
}

// layout is what an index says of the parts. The items beside them are large, and their
// lists are made with each change: those of before are used again, and what was made of them
// is encoded by then.
func (all cuts) layout(before proxyconfig.Layout) proxyconfig.Layout {
	list := inOrder(all)
	clear(before.Routes)
	clear(before.Backends)
	l := proxyconfig.Layout{Parts: make([]proxyconfig.Part, 0, len(list)), Routes: before.Routes[:0], Backends: before.Backends[:0]}
	for _, c := range list {
		l.Parts = append(l.Parts, c.part)
		l.Routes = append(l.Routes, c.amended.beside.Routes...)
		l.Backends = append(l.Backends, c.amended.beside.Backends...)
		if len(c.amended.without) > 0 {
			l.Superseded = append(l.Superseded, proxyconfig.Superseded{Part: c.name(), Items: c.amended.without})
		}
	}
	return l
}

// traits are those of the whole.
func (all cuts) traits() proxyconfig.Traits {
	var t proxyconfig.Traits
	for _, c := range all {
		t |= c.traits
	}
	return t
}

// fit encodes the part, without what is too much for its budget: the newest
// routes, and of the rest what comes last.
func (c *cut) fit() error {
	c.retire()
	c.kept, c.amended = c.given, amendment{}
	c.dropped = nil
	for {
		part, data, err := proxyconfig.EncodePart(c.kind, c.number, c.kept)
		if !errors.Is(err, proxyconfig.ErrTooLarge) {
			c.part, c.data = part, data
			return err
		}
		c.shrink(min(float64(proxyconfig.MaxStoredPart)/float64(len(data)), float64(proxyconfig.MaxPartBytes)/float64(part.Bytes)))
	}
}

// retire has the memory of what is kept wait for its next use.
func (c *cut) retire() {
	if c.kept != nil && c.kept != c.given {
		c.spare = c.kept
		clear(c.spare.Routes)
		clear(c.spare.Backends)
	}
}

// shrink leaves a share of the items, and at least one less than there are.
func (c *cut) shrink(share float64) {
	count := len(c.kept.Listeners) + len(c.kept.Routes) + len(c.kept.Backends)
	// The items are not of one size: a little less makes up for that.
	keep := min(int(float64(count)*share*0.97), count-1)
	drop := func(kind, routeKind, name string) {
		c.dropped = append(c.dropped, proxyconfig.RefusedItem{Kind: kind, RouteKind: routeKind, Name: name, Reason: tooMuch})
	}
	switch c.kind {
	case proxyconfig.PartListeners:
		for _, l := range c.kept.Listeners[keep:] {
			drop(proxyconfig.KindListener, "", l.Name)
		}
		c.kept = &proxyconfig.Config{Listeners: slices.Clone(c.kept.Listeners[:keep])}
	case proxyconfig.PartRoutes:
		order := slices.Clone(c.kept.Routes)
		slices.SortStableFunc(order, func(a, b proxyconfig.Route) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
		for _, r := range order[keep:] {
			drop(proxyconfig.KindRoute, r.Kind, r.ID())
		}
		c.kept = &proxyconfig.Config{Routes: order[:keep]}
	default:
		for _, b := range c.kept.Backends[keep:] {
			drop(proxyconfig.KindBackend, "", b.ID)
		}
		c.kept = &proxyconfig.Config{Backends: slices.Clone(c.kept.Backends[:keep])}
	}
}

// tooMuch is why an item was left out.
const tooMuch = "it exceeds what the configuration of one Gateway may hold"

// dropped are all items that were left out, and of the backends among them the
// rules that lead there.
func (all cuts) dropped(config *proxyconfig.Config) []proxyconfig.RefusedItem {
	var items []proxyconfig.RefusedItem
	gone := make(map[string]bool)
	for _, c := range inOrder(all) {
		items = append(items, c.dropped...)
		for _, item := range c.dropped {
			gone[item.Name] = gone[item.Name] || item.Kind == proxyconfig.KindBackend
		}
	}
	if len(gone) == 0 {
		return items
	}
	for i := range config.Routes {
		items = append(items, leadingTo(&config.Routes[i], gone)...)
	}
	return items
}

func leadingTo(r *proxyconfig.Route, gone map[string]bool) []proxyconfig.RefusedItem {
	var items []proxyconfig.RefusedItem
	for i := range r.Rules {
		at := slices.IndexFunc(r.Rules[i].Backends, func(ref proxyconfig.BackendRef) bool { return gone[ref.Backend] })
		if at >= 0 {
			items = append(items, proxyconfig.RefusedItem{Kind: proxyconfig.KindRule, RouteKind: r.Kind, Name: r.ID(), Rule: i,
				Reason: fmt.Sprintf("backend %s: %s", r.Rules[i].Backends[at].Backend, tooMuch)})
		}
	}
	return items
}

// Files are what a proxy that follows a directory reads of a configuration: its
// document and its parts, by the names of the files. They return what was left
// out for its size, too.
func Files(g proxyconfig.Gateway, revision int64, config *proxyconfig.Config) (files map[string][]byte, hash string, dropped []proxyconfig.RefusedItem, err error) {
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, "", nil, err
	}
	if len(raw) <= proxyconfig.SplitBytes {
		document, hash, err := proxyconfig.Encode(g, revision, config)
		return map[string][]byte{proxyconfig.ConfigKey: document}, hash, nil, err
	}
	all, _, err := divide(config, nil, nil)
	if err != nil {
		return nil, "", nil, err
	}
	files = make(map[string][]byte, len(all)+1)
	for _, c := range all {
		files[c.part.Key()] = c.data
	}
	files[proxyconfig.ConfigKey], hash, err = proxyconfig.EncodeIndex(g, revision, config, all.layout(proxyconfig.Layout{}))
	return files, hash, all.dropped(config), err
}
