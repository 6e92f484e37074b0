package router

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Matcher is one compiled match. It is immutable and safe for concurrent use.
type Matcher struct {
	path pathKind
	// value is the path, the prefix without its trailing slash, or the pattern.
	value   string
	pattern *regexp.Regexp
	// rest is nil where nothing else is asked for, as it is of most.
	rest *conditions
}

// conditions are what a match asks for beside the path.
type conditions struct {
	method         string
	headers, query []valueMatcher
}

var noConditions conditions

func (m *Matcher) conditions() *conditions {
	if m.rest == nil {
		return &noConditions
	}
	return m.rest
}

type pathKind uint8

const (
	pathExact pathKind = iota
	pathPrefix
	pathRegex
)

// valueMatcher compares the value of a header field (its name in lower case)
// or of a query parameter; pattern is nil for an exact comparison.
type valueMatcher struct {
	name    string
	value   string
	pattern *regexp.Regexp
}

// NewMatcher compiles a match.
func NewMatcher(m *proxyconfig.Match) (*Matcher, error) {
	if err := proxyconfig.ValidateMatch(m); err != nil {
		return nil, err
	}
	out := &Matcher{path: pathPrefix}
	if err := out.setPath(m.Path); err != nil {
		return nil, err
	}
	if m.Method == "" && len(m.Headers)+len(m.Query) == 0 {
		return out, nil
	}
	out.rest = &conditions{method: m.Method}
	var err error
	if out.rest.headers, err = compileValues(m.Headers, strings.ToLower); err != nil {
		return nil, err
	}
	out.rest.query, err = compileValues(m.Query, func(name string) string { return name })
	return out, err
}

func (m *Matcher) setPath(p *proxyconfig.PathMatch) (err error) {
	if p == nil {
		return nil
	}
	m.value = p.Value
	switch p.Type {
	case proxyconfig.PathExact:
		m.path = pathExact
	case proxyconfig.PathRegex:
		m.path = pathRegex
		m.pattern, err = proxyconfig.CompileRegexp(p.Value)
	case proxyconfig.PathPrefix:
		m.value = strings.TrimSuffix(p.Value, "/")
	}
	return err
}

// compileValues keeps the first of several matches of one name, as the Gateway
// API asks for (HTTPHeaderMatch.Name, HTTPQueryParamMatch.Name).
func compileValues(in []proxyconfig.ValueMatch, fold func(string) string) ([]valueMatcher, error) {
	var out []valueMatcher
	seen := map[string]bool{}
	for _, v := range in {
		name := fold(v.Name)
		if seen[name] {
			continue
		}
		seen[name] = true
		m := valueMatcher{name: name, value: v.Value}
		if v.Type == proxyconfig.ValueRegex {
			re, err := proxyconfig.CompileRegexp(v.Value)
			if err != nil {
				return nil, err
			}
			m.pattern = re
		}
		out = append(out, m)
	}
	return out, nil
}

// matchesRest compares everything but host and path.
func (m *Matcher) matchesRest(r *Request) bool { return m.rest == nil || m.rest.match(r) }

func (c *conditions) match(r *Request) bool {
	if c.method != "" && c.method != string(r.Method) {
		return false
	}
	for i := range c.headers {
		if !c.headers[i].matchesHeader(r.Headers) {
			return false
		}
	}
	for i := range c.query {
		if !c.query[i].matchesQuery(r.Query) {
			return false
		}
	}
	return true
}

func (v *valueMatcher) matchesHeader(h Headers) bool {
	if h == nil {
		return false
	}
	got, ok := h.Value(v.name)
	if !ok {
		return false
	}
	if v.pattern != nil {
		return v.pattern.Match(got)
	}
	return v.value == string(got)
}

// compare orders matchers of equal path: the more specific one comes first.
func (m *Matcher) compare(o *Matcher) int {
	a, b := m.conditions(), o.conditions()
	if (a.method != "") != (b.method != "") {
		if a.method != "" {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(len(b.headers), len(a.headers)), cmp.Compare(len(b.query), len(a.query)))
}

// String prints what is compared beside the host.
func (m *Matcher) String() string {
	var b strings.Builder
	b.WriteString([]string{"exact ", "prefix ", "regex "}[m.path])
	b.WriteString(m.value)
	if m.path == pathPrefix {
		b.WriteByte('/')
	}
	rest := m.conditions()
	if rest.method != "" {
		b.WriteString(" " + rest.method)
	}
	for _, h := range rest.headers {
		b.WriteString(" header:" + h.String())
	}
	for _, q := range rest.query {
		b.WriteString(" query:" + q.String())
	}
	return b.String()
}

func (v *valueMatcher) String() string {
	if v.pattern != nil {
		return v.name + "~" + v.value
	}
	return v.name + "=" + v.value
}
