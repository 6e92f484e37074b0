package proxyconfig

import (
	"fmt"
	"strings"
	"testing"
)

// refusals prints what Validate refuses, one item a line.
func refusals(c *Config) string {
	var b strings.Builder
	for _, item := range Validate(c) {
		fmt.Fprintf(&b, "%s %s[%d]: %s\n", item.Kind, item.Name, item.Rule, item.Reason)
	}
	return b.String()
}

func TestValidateSample(t *testing.T) {
	want := "Rule shop/cart[2]: filter ExtensionRef is not known\n"
	if got := refusals(sampleConfig()); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestValidateRefusesOneItemAlone(t *testing.T) {
	rule := func(c *Config) *Rule { return &c.Routes[0].Rules[0] }
	auth := func(c *Config) *ExternalAuth { return rule(c).Filters[3].ExternalAuth }
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"listener port", func(c *Config) { c.Listeners[0].Port = 70000 }, "Listener http[0]: port 70000"},
		{"listener protocol", func(c *Config) { c.Listeners[0].Protocol = "SCTP" }, `Listener http[0]: unknown protocol "SCTP"`},
		{"listener hostname", func(c *Config) { c.Listeners[0].Hostname = "A.example" }, `Listener http[0]: hostname "A.example" is not valid`},
		{"listener name twice", func(c *Config) { c.Listeners[1].Name = "http" }, "Listener http[0]: another listener has the same name"},
		{"listener place twice", func(c *Config) {
			c.Listeners = append(c.Listeners, Listener{Name: "again", Port: 80, Protocol: HTTP})
		}, `Listener again[0]: listener "http" has the same port and hostname`},
		{"two protocols on a port", func(c *Config) { c.Listeners[1].Port = 80 }, "Listener secure[0]: port 80 already speaks HTTP"},
		{"no certificate", func(c *Config) { c.Listeners[1].Certificates = nil }, "Listener secure[0]: a listener that terminates TLS needs a certificate"},
		{"certificate key with a slash", func(c *Config) { c.Listeners[1].Certificates[0].Key = "../x" }, `Listener secure[0]: certificate key "../x"`},
		{"route without a name", func(c *Config) { c.Routes[0].Name = "" }, "Route shop/[0]: the route has no identity"},
		{"route twice", func(c *Config) {
			c.Routes = append(c.Routes, Route{Kind: "HTTPRoute", Namespace: "shop", Name: "cart"})
		}, "Route shop/cart[0]: the route is there twice"},
		{"too few written hostnames", func(c *Config) { c.Routes[0].Attachments[0].Written = []string{""} }, "Route shop/cart[0]: 2 hostnames have 1 written"},
		{"written hostname", func(c *Config) { c.Routes[0].Attachments[0].Written = []string{"", "A"} }, `Route shop/cart[0]: hostname "A" is not valid`},
		{"path without a slash", func(c *Config) { rule(c).Matches[0].Path.Value = "api" }, `Rule shop/cart[0]: path "api" does not begin`},
		{"path regex", func(c *Config) { *rule(c).Matches[0].Path = PathMatch{PathRegex, "("} }, "Rule shop/cart[0]: path: error parsing regexp"},
		{"regex that closes our parenthesis", func(c *Config) { *rule(c).Matches[0].Path = PathMatch{PathRegex, "a)|(b"} }, "Rule shop/cart[0]: path: error parsing regexp"},
		{"path type", func(c *Config) { rule(c).Matches[0].Path.Type = "Glob" }, `Rule shop/cart[0]: unknown type of path match "Glob"`},
		{"header name", func(c *Config) { rule(c).Matches[0].Headers[0].Name = "a b" }, `Rule shop/cart[0]: header name "a b"`},
		{"query regex", func(c *Config) { rule(c).Matches[0].Query[0].Value = "[" }, `Rule shop/cart[0]: query parameter "q": error parsing`},
		{"method", func(c *Config) { rule(c).Matches[0].Method = "GET /" }, `Rule shop/cart[0]: method "GET /" is not a token`},
		{"filter type", func(c *Config) { rule(c).Filters[0].Type = "Teleport" }, "Rule shop/cart[0]: filter Teleport: the type is unknown"},
		{"filter without its field", func(c *Config) { rule(c).Filters[0].Headers = nil }, "Rule shop/cart[0]: filter RequestHeaders: its field is not set"},
		{"filter twice", func(c *Config) { rule(c).Filters = append(rule(c).Filters, rule(c).Filters[0]) }, "Rule shop/cart[0]: filter RequestHeaders is there twice"},
		{"header injection", func(c *Config) { rule(c).Filters[0].Headers.Set[0].Value = "a\r\nb: c" }, `Rule shop/cart[0]: filter RequestHeaders: the value of header "X-Set"`},
		{"framing header", func(c *Config) { rule(c).Filters[0].Headers.Remove[0] = "Content-LENGTH" }, `Rule shop/cart[0]: filter RequestHeaders: header "Content-LENGTH" frames`},
		{"prefix rewrite of an exact match", func(c *Config) { rule(c).Matches[0].Path.Type = PathExact }, "Rule shop/cart[0]: filter Rewrite: ReplacePrefixMatch needs"},
		{"rewrite with a space", func(c *Config) { rule(c).Filters[4].Rewrite.Path.Value = "/a b" }, `Rule shop/cart[0]: filter Rewrite: path "/a b" cannot`},
		{"redirect status", func(c *Config) { c.Routes[0].Rules[1].Filters[0].Redirect.Status = 200 }, "Rule shop/cart[1]: filter Redirect: status 200"},
		{"redirect scheme", func(c *Config) { c.Routes[0].Rules[1].Filters[0].Redirect.Scheme = "javascript" }, `Rule shop/cart[1]: filter Redirect: scheme "javascript"`},
		{"authorization by another protocol", func(c *Config) { auth(c).Protocol = "SOAP" }, `Rule shop/cart[0]: filter ExternalAuth: unknown protocol "SOAP"`},
		{"authorization by gRPC at a path", func(c *Config) { auth(c).Protocol = AuthGRPC }, "Rule shop/cart[0]: filter ExternalAuth: a path prefix"},
		{"authorization at no path", func(c *Config) { auth(c).PathPrefix = "check" }, `Rule shop/cart[0]: filter ExternalAuth: path prefix "check"`},
		{"authorization that splits the request", func(c *Config) { auth(c).PathPrefix = "/a HTTP/1.1\r\n" }, "Rule shop/cart[0]: filter ExternalAuth: path prefix"},
		{"authorization at a query", func(c *Config) { auth(c).PathPrefix = "/a?b" }, "Rule shop/cart[0]: filter ExternalAuth: path prefix"},
		{"authorization of an authority with a path", func(c *Config) { auth(c).Authority = "a/b" }, `Rule shop/cart[0]: filter ExternalAuth: authority "a/b"`},
		{"authorization with too large bodies", func(c *Config) { auth(c).MaxBodyBytes = MaxAuthBodyBytes + 1 }, "Rule shop/cart[0]: filter ExternalAuth: a body of 1048577"},
		{"authorization with a header that is none", func(c *Config) { auth(c).ResponseHeaders[0] = "a:b" }, `Rule shop/cart[0]: filter ExternalAuth: header name "a:b"`},
		{"authorization without its field", func(c *Config) { rule(c).Filters[3].ExternalAuth = nil }, "Rule shop/cart[0]: filter ExternalAuth: its field is not set"},
		{"authorization on a backend", func(c *Config) { rule(c).Backends[0].Filters[0].Type = FilterExternalAuth }, "Rule shop/cart[0]: a backend reference cannot have a filter ExternalAuth"},
		{"weight", func(c *Config) { rule(c).Backends[0].Weight = -1 }, "Rule shop/cart[0]: weight -1"},
		{"redirect on a backend", func(c *Config) { rule(c).Backends[0].Filters[0].Type = FilterRedirect }, "Rule shop/cart[0]: a backend reference cannot have a redirect"},
		{"backend protocol", func(c *Config) { c.Backends[0].Protocol = "spdy" }, `Backend shop/cart:8080[0]: unknown backend protocol "spdy"`},
		{"TLS on an HTTP listener", func(c *Config) { c.Listeners[0].TLS = &ListenerTLS{} }, "Listener http[0]: a listener that does not terminate TLS"},
		{"backend twice", func(c *Config) { c.Backends = append(c.Backends, c.Backends[0]) }, "Backend shop/cart:8080[0]: the backend is there twice"},
		{"endpoint address", func(c *Config) { c.Backends[0].Endpoints[0].Address = "cart.local" }, `Backend shop/cart:8080[0]: endpoint address "cart.local"`},
		{"endpoint port", func(c *Config) { c.Backends[0].Endpoints[1].Port = 0 }, `Backend shop/cart:8080[0]: endpoint "fd00::1": port 0`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := sampleConfig()
			c.Routes[0].Rules = c.Routes[0].Rules[:2]
			test.change(c)
			got := refusals(c)
			if !strings.HasPrefix(got, test.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("got:\n%swant one line that begins with:\n%s", got, test.want)
			}
		})
	}
}

func TestCompileRegexpMatchesWholeValues(t *testing.T) {
	tests := []struct {
		pattern, value string
		want           bool
	}{
		{"/v[12]", "/v1", true},
		{"/v[12]", "/v1/x", false},
		{"/v[12]", "/old/v1", false},
		{"a|ab", "ab", true},
		{"(?i)abc", "ABC", true},
		{"a", "a\n", false},
		{"(?m)a$", "a\nb", false},
	}
	for _, test := range tests {
		re, err := CompileRegexp(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := re.MatchString(test.value); got != test.want {
			t.Errorf("%q on %q: got %v, want %v", test.pattern, test.value, got, test.want)
		}
	}
	if _, err := CompileRegexp(strings.Repeat("a", maxRegexpBytes+1)); err == nil {
		t.Error("a pattern that is too long was accepted")
	}
}
