package router

import (
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// The model finds by comparing every entry with the request and keeping the
// best, written down from the Gateway API's text and not from the table.

type modelEntry struct {
	host string
	// written is the host, or a pattern that covers it.
	written string
	match   proxyconfig.Match
}

func (e modelEntry) matches(host, path, query, method string, h fields) bool {
	if rest, ok := strings.CutPrefix(e.host, "*"); ok {
		if !strings.HasSuffix(host, rest) || len(host) == len(rest) {
			return false
		}
	} else if e.host != "" && e.host != host {
		return false
	}
	switch p := e.match.Path; p.Type {
	case proxyconfig.PathExact:
		if p.Value != path {
			return false
		}
	case proxyconfig.PathRegex:
		re, _ := proxyconfig.CompileRegexp(p.Value)
		if !re.MatchString(path) {
			return false
		}
	case proxyconfig.PathPrefix:
		dir := strings.TrimSuffix(p.Value, "/") + "/"
		if !strings.HasPrefix(path+"/", dir) {
			return false
		}
	}
	if e.match.Method != "" && e.match.Method != method {
		return false
	}
	for _, want := range e.match.Headers {
		if got, ok := h[want.Name]; !ok || got != want.Value {
			return false
		}
	}
	for _, want := range e.match.Query {
		if query != want.Name+"="+want.Value {
			return false
		}
	}
	return true
}

// rank lists the criteria, the most important first; greater wins.
func (e modelEntry) rank() []int {
	kind, length, method := 0, 0, 0
	switch p := e.match.Path; p.Type {
	case proxyconfig.PathExact:
		kind = 2
	case proxyconfig.PathRegex:
		kind, length = 1, len(p.Value)
	case proxyconfig.PathPrefix:
		length = len(strings.TrimSuffix(p.Value, "/"))
	}
	if e.match.Method != "" {
		method = 1
	}
	return []int{exactLen(e.host), len(e.host), exactLen(e.written), len(e.written), kind, length, method, len(e.match.Headers), len(e.match.Query)}
}

func exactLen(pattern string) int {
	if strings.HasPrefix(pattern, "*") {
		return 0
	}
	return len(pattern)
}

func better(a, b modelEntry) bool {
	ra, rb := a.rank(), b.rank()
	for i := range ra {
		if ra[i] != rb[i] {
			return ra[i] > rb[i]
		}
	}
	return false
}

func modelFind(entries []modelEntry, host, path, query, method string, h fields) int {
	best := -1
	for i, e := range entries {
		if e.matches(host, path, query, method, h) && (best < 0 || better(e, entries[best])) {
			best = i
		}
	}
	return best + 1
}

func drawEntry(t *rapid.T) modelEntry {
	e := modelEntry{host: rapid.SampledFrom([]string{"", "*.c", "*.b.c", "a.b.c", "b.c", "x.c"}).Draw(t, "host")}
	covering := []string{e.host, ""}
	for _, pattern := range []string{"*.c", "*.b.c"} {
		if strings.HasSuffix(e.host, pattern[1:]) {
			covering = append(covering, pattern)
		}
	}
	e.written = rapid.SampledFrom(covering).Draw(t, "written")
	kind := rapid.SampledFrom([]proxyconfig.PathMatchType{proxyconfig.PathExact, proxyconfig.PathPrefix, proxyconfig.PathRegex}).Draw(t, "kind")
	path := rapid.SampledFrom([]string{"/", "/a", "/a/", "/a/b", "/ab", "/a/b/c"}).Draw(t, "path")
	if kind == proxyconfig.PathRegex {
		path = rapid.SampledFrom([]string{"/a.*", "/.", "/a/[bc]", ".*"}).Draw(t, "pattern")
	}
	e.match.Path = &proxyconfig.PathMatch{Type: kind, Value: path}
	e.match.Method = rapid.SampledFrom([]string{"", "", "GET", "POST"}).Draw(t, "method")
	if rapid.Bool().Draw(t, "h1") {
		e.match.Headers = append(e.match.Headers, value("h1", rapid.SampledFrom([]string{"0", "1"}).Draw(t, "h1v")))
	}
	if rapid.Bool().Draw(t, "h2") {
		e.match.Headers = append(e.match.Headers, value("h2", "1"))
	}
	if rapid.Bool().Draw(t, "q") {
		e.match.Query = append(e.match.Query, value("q", "1"))
	}
	return e
}

func TestTableAgreesWithModel(t *testing.T) { rapid.Check(t, agreesWithModel) }

// FuzzTable is the same, driven by coverage. Its seeds are what is drawn from:
// all lowest, and fixed noise.
func FuzzTable(f *testing.F) {
	f.Add(make([]byte, 4096))
	noise := rand.NewChaCha8([32]byte{})
	for range 6 {
		seed := make([]byte, 8192)
		if _, err := noise.Read(seed); err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(rapid.MakeFuzz(agreesWithModel))
}

func agreesWithModel(t *rapid.T) {
	model := rapid.SliceOfN(rapid.Custom(drawEntry), 1, 24).Draw(t, "entries")
	entries := make([]Entry[int], len(model))
	for i, e := range model {
		m, err := NewMatcher(&e.match)
		if err != nil {
			t.Fatal(err)
		}
		entries[i] = Entry[int]{Hostname: e.host, Written: e.written, Matcher: m, Value: i + 1}
	}
	table := New(entries)
	for range 16 {
		host := rapid.SampledFrom([]string{"a.b.c", "b.c", "z.b.c", "x.c", "q.x.c", "c", "other"}).Draw(t, "host")
		path := rapid.SampledFrom([]string{"/", "/a", "/a/", "/a/b", "/ab", "/a/b/c", "/a/b/c/d", "/z"}).Draw(t, "path")
		method := rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method")
		query := rapid.SampledFrom([]string{"", "q=1", "q=2"}).Draw(t, "query")
		h := fields{}
		for _, name := range []string{"h1", "h2"} {
			if v := rapid.SampledFrom([]string{"", "0", "1"}).Draw(t, name); v != "" {
				h[name] = v
			}
		}
		want := modelFind(model, host, path, query, method, h)
		got := table.Find(&Request{Host: []byte(host), Path: []byte(path), Query: []byte(query), Method: []byte(method), Headers: h}, &Match{})
		if got != want {
			t.Fatalf("%s %s%s?%s %v: got entry %d, want %d, of\n%s", method, host, path, query, h, got, want, table)
		}
	}
}

// Comparing a raw query in place must agree with decoding it first.
func FuzzEqualDecoded(f *testing.F) {
	f.Add([]byte("a+b%20c"), "a b c")
	f.Add([]byte("%zz%4"), "%zz%4")
	f.Fuzz(func(t *testing.T, raw []byte, want string) {
		if got := equalDecoded(raw, want); got != (string(decoded(raw)) == want) {
			t.Errorf("%q against %q: got %v", raw, want, got)
		}
		if !equalDecoded(raw, string(decoded(raw))) {
			t.Errorf("%q is not equal to its own decoding", raw)
		}
	})
}
