package router

// Renew is New for entries in groups, such as those of one route, and takes over from
// the table before, which may be nil, the hosts about which nothing has changed. A
// group is the same as one of that table where it is the same memory: a group must not
// be changed once it was given. Calls for one table must not overlap.
//
// Suppose that of a thousand routes with a host each the one of a.example.com has
// changed. The groups before and behind its own are the same in both tables, so that
// a.example.com alone is built, and the other hosts are shared.
func Renew[T any](before *Table[T], groups [][]Entry[T]) *Table[T] {
	if before == nil {
		t := &Table[T]{groups: groups}
		t.build(func(string) bool { return true })
		return t
	}
	changed := changedHosts(before.groups, groups)
	if len(changed) == 0 {
		before.groups = groups
		return before
	}
	t := &Table[T]{hosts: before.hosts.without(changed), groups: groups}
	t.build(func(hostname string) bool { return changed[hostname] })
	return t
}

// build adds the hosts that are wanted.
func (t *Table[T]) build(wanted func(hostname string) bool) {
	built, order := map[string]bool{}, 0
	for _, group := range t.groups {
		for _, e := range group {
			order++
			if !wanted(e.Hostname) {
				continue
			}
			built[e.Hostname] = true
			t.tier(e.Hostname, e.Written).add(candidate[T]{matcher: e.Matcher, order: order, value: e.Value})
		}
	}
	for pattern := range built {
		for p, _ := t.hosts.Get(pattern); p != nil; p = p.next {
			p.sort()
		}
	}
}

// changedHosts returns the hostnames of the groups that are in one of two lists alone,
// or in another order.
func changedHosts[T any](before, after [][]Entry[T]) map[string]bool {
	before, after = apart(before, after)
	changed := map[string]bool{}
	mark := func(group []Entry[T]) {
		for i := range group {
			changed[group[i].Hostname] = true
		}
	}
	places := make(map[*Entry[T]]int, len(before))
	for i, group := range before {
		if len(group) > 0 {
			places[&group[0]] = i
		}
	}
	kept := make([]bool, len(before))
	next := 0
	for _, group := range after {
		if len(group) == 0 {
			continue
		}
		// Of groups that have changed places some still follow each other: the others
		// tell of the change.
		if i, ok := places[&group[0]]; ok && i >= next && len(before[i]) == len(group) {
			kept[i], next = true, i+1
			continue
		}
		mark(group)
	}
	for i, group := range before {
		if !kept[i] {
			mark(group)
		}
	}
	return changed
}

// apart leaves out what two lists have in common at their beginnings and ends.
func apart[T any](a, b [][]Entry[T]) (restA, restB [][]Entry[T]) {
	for len(a) > 0 && len(b) > 0 && sameGroup(a[0], b[0]) {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && sameGroup(a[len(a)-1], b[len(b)-1]) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return a, b
}

func sameGroup[T any](a, b []Entry[T]) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
