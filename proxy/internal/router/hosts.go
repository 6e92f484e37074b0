package router

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/proxy/internal/pmap"
)

// Hosts maps host names to values by patterns: exact names, wildcards such as
// "*.example.com", and "" for any host. It is immutable, and so safe for concurrent
// use; the zero Hosts has no pattern.
type Hosts[T any] struct {
	exact pmap.Map[string, T]
	// suffix is keyed by the pattern without its asterisk: ".example.com".
	suffix pmap.Map[string, T]
	any    T
	hasAny bool
}

// Get returns the value that was set for exactly this pattern.
func (h *Hosts[T]) Get(pattern string) (v T, ok bool) {
	switch {
	case pattern == "":
		return h.any, h.hasAny
	case strings.HasPrefix(pattern, "*."):
		return h.suffix.Get(pattern[1:])
	default:
		return h.exact.Get(pattern)
	}
}

// Find returns the value of the most specific pattern that matches host.
func (h *Hosts[T]) Find(host []byte) (v T, ok bool) {
	for w := h.walk(host); w.next(); {
		return w.value, true
	}
	return v, false
}

// Patterns lists the patterns from the most to the least specific kind, sorted
// within each.
func (h *Hosts[T]) Patterns() []string {
	var exact, wild []string
	for name := range h.exact.All() {
		exact = append(exact, name)
	}
	for suffix := range h.suffix.All() {
		wild = append(wild, "*"+suffix)
	}
	slices.Sort(exact)
	slices.SortFunc(wild, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	patterns := append(exact, wild...)
	if h.hasAny {
		patterns = append(patterns, "")
	}
	return patterns
}

// compareHostnames is negative when a is the more specific of two patterns that
// match the same host.
func compareHostnames(a, b string) int {
	exact := func(pattern string) int {
		if pattern == "" || strings.HasPrefix(pattern, "*.") {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(exact(b), exact(a)), cmp.Compare(len(b), len(a)), strings.Compare(a, b))
}

// walk visits the values of all patterns that match a host, from the most to
// the least specific. It is a value, and not a function that calls back, so
// that a walk allocates nothing.
type walk[T any] struct {
	hosts *Hosts[T]
	host  []byte
	stage stage
	// at is where the next search for a dot begins.
	at    int
	value T
}

type stage uint8

const (
	stageExact stage = iota
	stageSuffix
	stageAny
	stageDone
)

func (h *Hosts[T]) walk(host []byte) walk[T] {
	// A wildcard stands for at least one label, so the dot cannot come first.
	return walk[T]{hosts: h, host: host, at: 1}
}

// next moves on to the next match.
func (w *walk[T]) next() bool {
	for w.stage != stageDone {
		var ok bool
		switch w.stage {
		case stageExact:
			w.value, ok = pmap.GetBytes(&w.hosts.exact, w.host)
			w.stage = stageSuffix
		case stageSuffix:
			ok = w.nextSuffix()
		case stageAny:
			w.value, ok = w.hosts.any, w.hosts.hasAny
			w.stage = stageDone
		}
		if ok {
			return true
		}
	}
	return false
}

func (w *walk[T]) nextSuffix() bool {
	if w.hosts.suffix.Len() == 0 || w.at >= len(w.host) {
		w.stage = stageAny
		return false
	}
	dot := bytes.IndexByte(w.host[w.at:], '.')
	if dot < 0 {
		w.stage = stageAny
		return false
	}
	dot += w.at
	w.at = dot + 1
	var ok bool
	w.value, ok = pmap.GetBytes(&w.hosts.suffix, w.host[dot:])
	return ok
}
