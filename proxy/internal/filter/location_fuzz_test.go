package filter

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// FuzzLocation holds redirects and rewrites that pass validation to what they
// are made of: the URL is read by another implementation as what it is meant to
// be, its path begins with a slash, and what is kept of the request is there.
func FuzzLocation(f *testing.F) {
	f.Add("", "", int32(0), "", uint8(0), "/a/b", 2, "q=1", uint16(8080))
	f.Add("https", "shop.example", int32(8443), "/xyz/", uint8(1), "/a/b", 2, "", uint16(80))
	f.Add("http", "", int32(0), "/", uint8(1), "/a", 2, "x", uint16(443))
	f.Add("https", "", int32(443), "/full//path", uint8(2), "/%2F/b", 0, "a=%zz", uint16(443))
	f.Fuzz(func(t *testing.T, scheme, host string, port int32, value string, kind uint8, path string, prefix int, query string, listener uint16) {
		in := proxyconfig.Redirect{Scheme: scheme, Hostname: host, Port: port, Path: rewriteOf(kind, value), Status: 302}
		r := compileFuzzed(&in)
		if r == nil || !isPath(path) || !isPath("/"+query) || prefix < 0 || prefix > len(path) || listener == 0 {
			return
		}
		if prefix < len(path) && path[prefix] != '/' {
			return // nothing that a prefix matches
		}
		target := &Target{
			Scheme: "http", Host: []byte("a.example"), ListenerPort: listener,
			Path: []byte(path), PrefixLen: prefix, Query: []byte(query), HasQuery: query != "",
		}
		rewritten := string(r.Path.AppendPath(nil, target))
		checkPath(t, rewritten, r.Path, path, prefix)
		location := string(r.AppendLocation(nil, target))
		u, err := url.Parse(location)
		if err != nil {
			t.Fatalf("%q: %v", location, err)
		}
		if u.EscapedPath() != rewritten || u.RawQuery != query || u.User != nil || u.Fragment != "" {
			t.Errorf("%q has the path %q and the query %q, want %q and %q", location, u.EscapedPath(), u.RawQuery, rewritten, query)
		}
		checkAuthority(t, u, &in, listener)
	})
}

// rewriteOf returns the rewrite of one of three kinds.
func rewriteOf(kind uint8, value string) *proxyconfig.PathRewrite {
	switch kind % 3 {
	case 1:
		return &proxyconfig.PathRewrite{Type: proxyconfig.ReplacePrefixMatch, Value: value}
	case 2:
		return &proxyconfig.PathRewrite{Type: proxyconfig.ReplaceFullPath, Value: value}
	}
	return nil
}

// compileFuzzed returns nil for what does not pass validation, and for paths that
// have more in them than a path.
func compileFuzzed(r *proxyconfig.Redirect) *Redirect {
	if r.Path != nil && !isPath("/"+r.Path.Value) {
		return nil
	}
	filters := []proxyconfig.Filter{{Type: proxyconfig.FilterRedirect, Redirect: r}}
	rule := proxyconfig.Rule{Filters: filters, Matches: []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/"}}}}
	if proxyconfig.ValidateRule(&rule) != nil {
		return nil
	}
	c, err := Compile(filters)
	if err != nil {
		panic(err)
	}
	return c.Redirect
}

// isPath says whether s is a path as requests have it after they were taken.
func isPath(s string) bool {
	if _, err := url.PathUnescape(s); err != nil || !strings.HasPrefix(s, "/") {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`?#\"<>^{|}[]`+"`", r) }) < 0
}

// checkPath compares a path with the Gateway API's text on HTTPPathModifier.
func checkPath(t *testing.T, got string, p *PathRewrite, path string, prefix int) {
	want := path
	switch {
	case p == nil:
	case p.Full:
		want = p.Value
	case path[prefix:] == "":
		want = p.Value
	default:
		want = strings.TrimRight(p.Value, "/") + path[prefix:]
	}
	if !strings.HasPrefix(want, "/") {
		want = "/" + want
	}
	if got != want {
		t.Errorf("the first %d bytes of %q rewritten by %+v: got %q, want %q", prefix, path, p, got, want)
	}
}

// checkAuthority compares scheme, host and port with the text on
// HTTPRequestRedirectFilter.
func checkAuthority(t *testing.T, u *url.URL, r *proxyconfig.Redirect, listener uint16) {
	scheme, host, known := "http", "a.example", map[string]int{"http": 80, "https": 443}
	port := int(listener)
	if r.Scheme != "" {
		scheme, port = r.Scheme, known[r.Scheme]
	}
	if r.Port != 0 {
		port = int(r.Port)
	}
	if r.Hostname != "" {
		host = r.Hostname
	}
	if port != known[scheme] {
		host += ":" + strconv.Itoa(port)
	}
	if u.Scheme != scheme || u.Host != host {
		t.Errorf("got %s://%s, want %s://%s", u.Scheme, u.Host, scheme, host)
	}
}
