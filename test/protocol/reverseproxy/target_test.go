package reverseproxy

import (
	"net/http"
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// targets sends raw targets and compares what the backend got.
func targets(t *testing.T, want map[string]string, edits ...func(*proxyconfig.Config)) {
	t.Helper()
	seen := make(chan string, 1)
	addr := front(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.RequestURI }, edits...)
	for in, want := range want {
		c := dial(t, addr, "GET "+in+" HTTP/1.1\r\nHost: a\r\n\r\n")
		if answer := c.answer(t, "GET"); answer.StatusCode != 200 {
			t.Errorf("%s: got %d", in, answer.StatusCode)
			continue
		}
		if got := within(t, "request", seen); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// asTheyAre are queries that recipients read in different ways: they travel on
// byte by byte.
var asTheyAre = map[string]string{
	"/?a=1&a=2&b=3": "/?a=1&a=2&b=3", "/?a=1;b=2": "/?a=1;b=2", "/?a=1&b=%x": "/?a=1&b=%x", "/?a=%zz": "/?a=%zz", "/?a=1&b=%": "/?a=1&b=%", "/?a": "/?a", "/?": "/?", "/?a=1&": "/?a=1&", "/?%61=1": "/?%61=1", "/?a=+%20": "/?a=+%20",
}

func TestReverseProxyQuery(t *testing.T) { targets(t, asTheyAre) }

func TestReverseProxyQueryParameterSmugglingDirectorDoesNotParseForm(t *testing.T) {
	targets(t, asTheyAre)
}

// Matching reads a query, and changes nothing of it.
func TestReverseProxyQueryParameterSmugglingDirectorParsesForm(t *testing.T) {
	targets(t, asTheyAre, func(c *proxyconfig.Config) {
		rule := c.Routes[0].Rules[0]
		matched := rule
		matched.Matches = []proxyconfig.Match{{Query: []proxyconfig.ValueMatch{{Type: proxyconfig.ValueExact, Name: "a", Value: "1"}}}}
		c.Routes[0].Rules = []proxyconfig.Rule{matched, rule}
	})
}

func rewrite(kind, value string) func(*proxyconfig.Config) {
	return filters(proxyconfig.Filter{Type: proxyconfig.FilterRewrite, Rewrite: &proxyconfig.Rewrite{Path: &proxyconfig.PathRewrite{Type: kind, Value: value}}})
}

// A rewritten path keeps its query, byte by byte.
func TestReverseProxyQueryParameterSmugglingRewrite(t *testing.T) {
	targets(t, map[string]string{"/x?a=1;b=%x": "/y?a=1;b=%x", "/x?": "/y?", "/x?a?b": "/y?a?b"}, rewrite(proxyconfig.ReplaceFullPath, "/y"))
}

func TestReverseProxyQueryParameterSmugglingRewritePreservesRawQuery(t *testing.T) {
	targets(t, map[string]string{"/x?a=1&a=%2": "/y/x?a=1&a=%2"}, rewrite(proxyconfig.ReplacePrefixMatch, "/y"))
}

func TestSetURL(t *testing.T) {
	seen := make(chan string, 1)
	addr := front(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Host + r.RequestURI },
		filters(proxyconfig.Filter{Type: proxyconfig.FilterRewrite, Rewrite: &proxyconfig.Rewrite{
			Hostname: "backend.example", Path: &proxyconfig.PathRewrite{Type: proxyconfig.ReplaceFullPath, Value: "/y"},
		}}))
	do(t, request(t, "GET", addr, "/x?q", nil))
	if got := within(t, "request", seen); got != "backend.example/y?q" {
		t.Errorf("got %s", got)
	}
}

// prefix replaces the prefix /p.
func prefix(value string) func(*proxyconfig.Config) {
	return func(c *proxyconfig.Config) {
		rewrite(proxyconfig.ReplacePrefixMatch, value)(c)
		c.Routes[0].Rules[0].Matches = []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/p"}}}
	}
}

// However the parts end and begin, one slash is between them (Gateway API,
// HTTPPathModifier).
func TestSingleJoinSlash(t *testing.T) {
	targets(t, map[string]string{"/p/a": "/y/a", "/p/": "/y/", "/p": "/y", "/p/a/": "/y/a/"}, prefix("/y"))
	targets(t, map[string]string{"/p/a": "/y/a", "/p": "/y/", "/p/a/": "/y/a/"}, prefix("/y/"))
	targets(t, map[string]string{"/p/a": "/a", "/p": "/", "/p/": "/"}, prefix("/"))
}

// What is encoded stays so.
func TestJoinURLPath(t *testing.T) {
	targets(t, map[string]string{"/p/a%2Fb": "/y/a%2Fb", "/p/a%20b/c?d=%2f": "/y/a%20b/c?d=%2f"}, prefix("/y"))
	targets(t, map[string]string{"/p/a%2Fb": "/y%2Fz/a%2Fb"}, prefix("/y%2Fz"))
}

func TestReverseProxyCONNECT(t *testing.T) {
	addr := front(t, func(http.ResponseWriter, *http.Request) { t.Error("the backend was asked") })
	c := dial(t, addr, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")
	if answer := c.answer(t, "CONNECT"); answer.StatusCode != http.StatusMethodNotAllowed || !answer.Close {
		t.Errorf("got %d, close %v", answer.StatusCode, answer.Close)
	}
}
