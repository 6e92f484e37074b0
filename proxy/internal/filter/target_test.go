package filter

import "testing"

// The rows of HTTPPathModifier's own table in the Gateway API, and its edges.
func TestReplacePrefix(t *testing.T) {
	for _, tt := range []struct {
		path   string
		prefix int
		value  string
		want   string
	}{
		{"/foo/bar", 4, "/xyz", "/xyz/bar"},
		{"/foo/bar", 4, "/xyz/", "/xyz/bar"},
		{"/foo", 4, "/xyz", "/xyz"},
		{"/foo/", 4, "/xyz", "/xyz/"},
		{"/foo/bar", 4, "", "/bar"},
		{"/foo/", 4, "", "/"},
		{"/foo", 4, "", "/"},
		{"/foo/", 4, "/", "/"},
		{"/foo", 4, "/", "/"},
		{"/foo/bar", 4, "/", "/bar"},
		{"/foo", 4, "/xyz/", "/xyz/"},
		{"/bar", 0, "/xyz", "/xyz/bar"},
		{"/", 0, "/xyz", "/xyz/"},
	} {
		p := &PathRewrite{Prefix: true, Value: tt.value}
		got := p.AppendPath(nil, &Target{Path: []byte(tt.path), PrefixLen: tt.prefix})
		if string(got) != tt.want {
			t.Errorf("%q with its first %d bytes replaced by %q: got %q, want %q", tt.path, tt.prefix, tt.value, got, tt.want)
		}
	}
}

func TestLocation(t *testing.T) {
	target := Target{Scheme: "http", Host: []byte("example.com"), ListenerPort: 8080, Path: []byte("/a/b"), PrefixLen: 2, Query: []byte("q=1"), HasQuery: true}
	for _, tt := range []struct {
		name     string
		redirect Redirect
		want     string
	}{
		{"listener's port", Redirect{}, "http://example.com:8080/a/b?q=1"},
		{"scheme's port", Redirect{Scheme: "https"}, "https://example.com/a/b?q=1"},
		{"port", Redirect{Port: 8443, Scheme: "https"}, "https://example.com:8443/a/b?q=1"},
		{"well-known port", Redirect{Port: 80}, "http://example.com/a/b?q=1"},
		{"hostname", Redirect{Hostname: "example.org"}, "http://example.org:8080/a/b?q=1"},
		{"full path", Redirect{Path: &PathRewrite{Full: true, Value: "/x"}}, "http://example.com:8080/x?q=1"},
		{"prefix", Redirect{Path: &PathRewrite{Prefix: true, Value: "/x"}}, "http://example.com:8080/x/b?q=1"},
	} {
		if got := string(tt.redirect.AppendLocation(nil, &target)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
