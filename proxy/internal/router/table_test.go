package router

import (
	"fmt"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// fields are the header fields of a test's request.
type fields map[string]string

func (f fields) Value(name string) ([]byte, bool) {
	v, ok := f[name]
	return []byte(v), ok
}

func mustMatcher(t testing.TB, m proxyconfig.Match) *Matcher {
	t.Helper()
	out, err := NewMatcher(&m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func prefix(p string) *proxyconfig.PathMatch {
	return &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: p}
}

func exact(p string) *proxyconfig.PathMatch {
	return &proxyconfig.PathMatch{Type: proxyconfig.PathExact, Value: p}
}

func pattern(p string) *proxyconfig.PathMatch {
	return &proxyconfig.PathMatch{Type: proxyconfig.PathRegex, Value: p}
}

func value(name, v string) proxyconfig.ValueMatch {
	return proxyconfig.ValueMatch{Type: proxyconfig.ValueExact, Name: name, Value: v}
}

func valuePattern(name, v string) proxyconfig.ValueMatch {
	return proxyconfig.ValueMatch{Type: proxyconfig.ValueRegex, Name: name, Value: v}
}

// sample has entries whose order of precedence is not the one they are
// listed in.
func sample(t testing.TB) *Table[string] {
	e := func(host, value string, m proxyconfig.Match) Entry[string] {
		return Entry[string]{Hostname: host, Written: host, Matcher: mustMatcher(t, m), Value: value}
	}
	return New([]Entry[string]{
		e("", "any", proxyconfig.Match{Path: prefix("/")}),
		e("*.example.com", "wild", proxyconfig.Match{}),
		e("*.b.example.com", "wild-b", proxyconfig.Match{Path: prefix("/only")}),
		e("a.example.com", "api", proxyconfig.Match{Path: prefix("/api")}),
		e("a.example.com", "api-again", proxyconfig.Match{Path: prefix("/api/")}),
		e("a.example.com", "api-get", proxyconfig.Match{Path: prefix("/api"), Method: "GET"}),
		e("a.example.com", "api-header", proxyconfig.Match{Path: prefix("/api"), Headers: []proxyconfig.ValueMatch{value("X-A", "1")}}),
		e("a.example.com", "api-headers", proxyconfig.Match{Path: prefix("/api"),
			Headers: []proxyconfig.ValueMatch{value("x-a", "1"), valuePattern("x-b", "[0-9]+")}}),
		e("a.example.com", "api-query", proxyconfig.Match{Path: prefix("/api"), Query: []proxyconfig.ValueMatch{value("q", "a b")}}),
		e("a.example.com", "deep", proxyconfig.Match{Path: prefix("/api/v1")}),
		e("a.example.com", "pattern", proxyconfig.Match{Path: pattern("/api/v[0-9]+")}),
		e("a.example.com", "long-pattern", proxyconfig.Match{Path: pattern("/api/(v7|v8|v9)")}),
		e("a.example.com", "exact", proxyconfig.Match{Path: exact("/api/v9")}),
		e("a.example.com", "exact-post", proxyconfig.Match{Path: exact("/post"), Method: "POST"}),
	})
}

func TestTablePrintsInOrderOfPrecedence(t *testing.T) {
	want := `a.example.com
  exact /api/v9 -> exact
  exact /post POST -> exact-post
  regex /api/(v7|v8|v9) -> long-pattern
  regex /api/v[0-9]+ -> pattern
  prefix /api/v1/ -> deep
  prefix /api/ GET -> api-get
  prefix /api/ header:x-a=1 header:x-b~[0-9]+ -> api-headers
  prefix /api/ header:x-a=1 -> api-header
  prefix /api/ query:q=a b -> api-query
  prefix /api/ -> api
  prefix /api/ -> api-again
*.b.example.com
  prefix /only/ -> wild-b
*.example.com
  prefix / -> wild
*
  prefix / -> any
`
	if got := sample(t).String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// Entries whose hostname comes from less specific ones are for what those of the
// more specific ones leave, whatever they match (HTTPRouteSpec.hostnames).
func TestWrittenHostnamesComeFirst(t *testing.T) {
	e := func(written, value string, m proxyconfig.Match) Entry[string] {
		return Entry[string]{Hostname: "a.b.c", Written: written, Matcher: mustMatcher(t, m), Value: value}
	}
	table := New([]Entry[string]{
		e("", "any", proxyconfig.Match{Path: exact("/x/y")}),
		e("*.c", "wide", proxyconfig.Match{Path: prefix("/x/y")}),
		{Hostname: "*.c", Written: "*.c", Matcher: mustMatcher(t, proxyconfig.Match{}), Value: "below"},
		e("*.b.c", "narrow", proxyconfig.Match{Path: prefix("/x"), Method: "GET"}),
		e("a.b.c", "exact", proxyconfig.Match{Path: prefix("/x"), Method: "PUT"}),
		e("*.b.c", "narrow-again", proxyconfig.Match{Path: prefix("/z")}),
	})
	want := `a.b.c
  prefix /x/ PUT -> exact
a.b.c of *.b.c
  prefix /x/ GET -> narrow
  prefix /z/ -> narrow-again
a.b.c of *.c
  prefix /x/y/ -> wide
a.b.c of *
  exact /x/y -> any
*.c
  prefix / -> below
`
	if got := table.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for _, test := range []struct{ method, path, want string }{
		{"PUT", "/x/y", "exact"}, {"GET", "/x/y", "narrow"}, {"GET", "/z", "narrow-again"},
		{"POST", "/x/y", "wide"}, {"POST", "/x", "below"},
	} {
		r := &Request{Host: []byte("a.b.c"), Path: []byte(test.path), Method: []byte(test.method)}
		if got := table.Find(r, &Match{}); got != test.want {
			t.Errorf("%s %s: got %s, want %s", test.method, test.path, got, test.want)
		}
	}
}

func TestFind(t *testing.T) {
	tests := []struct {
		method, host, path, query string
		headers                   fields
		want                      string
		prefixLen                 int
	}{
		{"POST", "a.example.com", "/api", "", nil, "api", 4},
		{"POST", "a.example.com", "/api/", "", nil, "api", 4},
		{"POST", "a.example.com", "/api/x", "", nil, "api", 4},
		{"POST", "a.example.com", "/apis", "", nil, "wild", 0},
		{"GET", "a.example.com", "/api/x", "", nil, "api-get", 4},
		{"get", "a.example.com", "/api/x", "", nil, "api", 4},
		{"POST", "a.example.com", "/api", "", fields{"x-a": "1"}, "api-header", 4},
		{"POST", "a.example.com", "/api", "", fields{"x-a": "1", "x-b": "22"}, "api-headers", 4},
		{"POST", "a.example.com", "/api", "", fields{"x-a": "1", "x-b": "22z"}, "api-header", 4},
		{"POST", "a.example.com", "/api", "q=a+b", nil, "api-query", 4},
		{"POST", "a.example.com", "/api", "z&%71=a%20b&q=x", nil, "api-query", 4},
		{"POST", "a.example.com", "/api", "q=x&q=a+b", nil, "api", 4},
		{"POST", "a.example.com", "/api/v1", "", nil, "pattern", 0},
		{"POST", "a.example.com", "/api/v1/x", "", nil, "deep", 7},
		{"POST", "a.example.com", "/api/v8", "", nil, "long-pattern", 0},
		{"POST", "a.example.com", "/api/v9", "", nil, "exact", 0},
		{"POST", "a.example.com", "/post", "", nil, "exact-post", 0},
		{"GET", "a.example.com", "/post", "", nil, "wild", 0},
		{"GET", "x.b.example.com", "/only/x", "", nil, "wild-b", 5},
		{"GET", "x.b.example.com", "/else", "", nil, "wild", 0},
		{"GET", "x.y.example.com", "/", "", nil, "wild", 0},
		{"GET", "example.com", "/", "", nil, "any", 0},
		{"GET", ".example.com", "/", "", nil, "any", 0},
		{"GET", "", "/", "", nil, "any", 0},
		{"OPTIONS", "other", "*", "", nil, "any", 0},
	}
	table := sample(t)
	for _, test := range tests {
		r := &Request{Host: []byte(test.host), Path: []byte(test.path), Query: []byte(test.query), Method: []byte(test.method)}
		if test.headers != nil {
			r.Headers = test.headers
		}
		m := Match{PrefixLen: 99}
		if got := table.Find(r, &m); got != test.want || m.PrefixLen != test.prefixLen {
			t.Errorf("%s %s%s?%s %v: got %s (prefix %d), want %s (prefix %d)", test.method, test.host, test.path, test.query,
				test.headers, got, m.PrefixLen, test.want, test.prefixLen)
		}
	}
}

func TestFindNothing(t *testing.T) {
	table := New([]Entry[string]{{Hostname: "a", Matcher: mustMatcher(t, proxyconfig.Match{Path: exact("/x")}), Value: "v"}})
	var m Match
	for _, r := range []*Request{
		{Host: []byte("b"), Path: []byte("/x")},
		{Host: []byte("a"), Path: []byte("/x/")},
	} {
		if got := table.Find(r, &m); got != "" {
			t.Errorf("%s%s: got %q, want nothing", r.Host, r.Path, got)
		}
	}
	if got := New[string](nil).Find(&Request{Host: []byte("a"), Path: []byte("/")}, &m); got != "" {
		t.Errorf("empty table: got %q, want nothing", got)
	}
}

func TestNewMatcherRefuses(t *testing.T) {
	for _, m := range []proxyconfig.Match{
		{Path: pattern("(")},
		{Path: prefix("x")},
		{Headers: []proxyconfig.ValueMatch{valuePattern("a", "[")}},
		{Query: []proxyconfig.ValueMatch{{Type: "Glob", Name: "a"}}},
	} {
		if _, err := NewMatcher(&m); err == nil {
			t.Errorf("%+v was accepted", m)
		}
	}
}

// thousand is a table of 1,000 routes on hosts of their own, half of them with
// a header match in front.
func thousand(t testing.TB) *Table[int] {
	var entries []Entry[int]
	for i := range 1000 {
		host := fmt.Sprintf("h%d.example.com", i)
		if i%2 == 0 {
			host = fmt.Sprintf("*.w%d.example.com", i)
		}
		entries = append(entries,
			Entry[int]{host, host, mustMatcher(t, proxyconfig.Match{Path: prefix("/api"), Headers: []proxyconfig.ValueMatch{value("x-v", "2")},
				Query: []proxyconfig.ValueMatch{value("q", "a b")}}), i},
			Entry[int]{host, host, mustMatcher(t, proxyconfig.Match{Path: prefix("/api/v1")}), i},
			Entry[int]{host, host, mustMatcher(t, proxyconfig.Match{Path: pattern("/static/.*[.]css")}), i})
	}
	return New(entries)
}

// byteFields does not allocate, unlike fields.
type byteFields struct{ name, value []byte }

func (f *byteFields) Value(name string) ([]byte, bool) {
	return f.value, string(f.name) == name
}

func thousandRequests() []*Request {
	h := &byteFields{[]byte("x-v"), []byte("2")}
	return []*Request{
		{Host: []byte("h501.example.com"), Path: []byte("/api/v1/items/17"), Headers: h},
		{Host: []byte("deep.er.w500.example.com"), Path: []byte("/api/x"), Query: []byte("a=1&q=a%20b"), Headers: h},
		{Host: []byte("h1.example.com"), Path: []byte("/static/site.css"), Headers: h},
		{Host: []byte("nobody.example.org"), Path: []byte("/"), Headers: h},
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	table, requests := thousand(t), thousandRequests()
	if raceEnabled {
		// The race detector makes sync.Pool, which regexp uses, forget at random: what
		// is left are the requests for which no expression is looked at.
		requests = []*Request{requests[1], requests[3]}
	}
	var m Match
	allocs := testing.AllocsPerRun(100, func() {
		for _, r := range requests {
			table.Find(r, &m)
		}
	})
	if allocs != 0 {
		t.Errorf("got %v allocations, want 0", allocs)
	}
}

func BenchmarkFind(b *testing.B) {
	table, requests := thousand(b), thousandRequests()
	for i, name := range []string{"exact-host", "wildcard-host", "regex", "miss"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var m Match
			for b.Loop() {
				table.Find(requests[i], &m)
			}
		})
	}
}
