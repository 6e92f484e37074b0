package router

import "slices"

// Renew returns the table, which may be nil, without the groups that are gone, and with
// those that come. Hosts that neither is about are shared with the table, which stays as
// it is.
//
// Suppose that of a thousand routes with a host each the one of a.example.com has
// changed. Its group before is gone, and the one that it has now comes: a.example.com
// alone is built.
func Renew[T any](before *Table[T], gone, come []*Group[T]) *Table[T] {
	if before == nil {
		before = &Table[T]{}
	}
	changes := hostChanges[T]{}
	for _, g := range gone {
		changes.note(g, func(c *hostChange[T]) *[]*Group[T] { return &c.gone })
	}
	for _, g := range come {
		changes.note(g, func(c *hostChange[T]) *[]*Group[T] { return &c.come })
	}
	hosts := before.hosts.Edit()
	for hostname, change := range changes {
		old, _ := hosts.Get(hostname)
		if groups := change.applyTo(old); len(groups) > 0 {
			hosts.Set(hostname, newHost(hostname, groups))
		} else {
			hosts.Delete(hostname)
		}
	}
	return &Table[T]{hosts: hosts.Hosts()}
}

// hostChanges are by hostname.
type hostChanges[T any] map[string]*hostChange[T]

// hostChange is which groups come and go at one hostname.
type hostChange[T any] struct{ gone, come []*Group[T] }

// note adds a group to one of the lists at each of its hostnames.
func (c hostChanges[T]) note(g *Group[T], list func(*hostChange[T]) *[]*Group[T]) {
	for i := range g.Entries {
		name := g.Entries[i].Hostname
		if c[name] == nil {
			c[name] = &hostChange[T]{}
		}
		if to := list(c[name]); len(*to) == 0 || (*to)[len(*to)-1] != g {
			*to = append(*to, g)
		}
	}
}

// applyTo returns the groups that a host has afterwards, in their order.
func (c *hostChange[T]) applyTo(h *host[T]) []*Group[T] {
	slices.SortStableFunc(c.come, (*Group[T]).compare)
	if h == nil {
		return c.come
	}
	groups := make([]*Group[T], 0, len(h.groups)+len(c.come))
	come := c.come
	for _, g := range h.groups {
		if slices.Contains(c.gone, g) {
			continue
		}
		for len(come) > 0 && come[0].compare(g) < 0 {
			groups, come = append(groups, come[0]), come[1:]
		}
		groups = append(groups, g)
	}
	return append(groups, come...)
}
