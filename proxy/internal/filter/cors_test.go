package filter

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// corsRequest reads "METHOD origin [method [headers]]", where "-" is absent.
func corsRequest(s string) *CORSRequest {
	var parts [4][]byte
	for i, f := range strings.SplitN(s, " ", 4) {
		if f != "-" {
			parts[i] = []byte(f)
		}
	}
	return &CORSRequest{Method: parts[0], Origin: parts[1], RequestMethod: parts[2], RequestHeaders: parts[3]}
}

// short writes field lines as "allow-origin=*; vary=Origin".
func short(lines []byte) string {
	s := strings.ReplaceAll(strings.TrimSuffix(string(lines), "\r\n"), "\r\n", "; ")
	return strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(s, "Access-Control-", ""), ": ", "="))
}

func TestCORS(t *testing.T) {
	some := &proxyconfig.CORS{
		AllowOrigins: []string{"https://www.foo.com", "https://*.bar.com", "http://*:8080"},
		AllowMethods: []string{"GET", "PUT"}, AllowHeaders: []string{"X-A", "X-B"}, ExposeHeaders: []string{"X-C"}, MaxAgeSeconds: 60,
	}
	all := &proxyconfig.CORS{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}, ExposeHeaders: []string{"*"}}
	trusted := *all
	trusted.AllowCredentials = true
	tests := []struct {
		name    string
		in      *proxyconfig.CORS
		request string
		want    string
	}{
		{"a request of no origin", some, "GET -", "vary=origin"},
		{"an allowed origin", some, "GET https://www.foo.com", "vary=origin; allow-origin=https://www.foo.com; expose-headers=x-c"},
		{"its default port", some, "GET https://www.foo.com:443", "vary=origin; allow-origin=https://www.foo.com:443; expose-headers=x-c"},
		{"another port", some, "GET https://www.foo.com:444", "vary=origin"},
		{"another scheme", some, "GET http://www.foo.com", "vary=origin"},
		{"labels for the wildcard", some, "GET https://a.b.bar.com", "vary=origin; allow-origin=https://a.b.bar.com; expose-headers=x-c"},
		{"none for the wildcard", some, "GET https://bar.com", "vary=origin"},
		{"an empty label for the wildcard", some, "GET https://.bar.com", "vary=origin"},
		{"a longer host", some, "GET https://www.foo.com.evil.org", "vary=origin"},
		{"a host that ends alike", some, "GET https://evilbar.com", "vary=origin"},
		{"user information", some, "GET https://evil.org@x.bar.com", "vary=origin"},
		{"any host on a port", some, "GET http://x:8080", "vary=origin; allow-origin=http://x:8080; expose-headers=x-c"},
		{"null", some, "GET null", "vary=origin"},
		{"a bad port", some, "GET http://x:8080x", "vary=origin"},
		{"a preflight", some, "OPTIONS https://www.foo.com PUT x-a",
			"vary=origin; allow-origin=https://www.foo.com; expose-headers=x-c; allow-methods=get, put; allow-headers=x-a, x-b; max-age=60"},
		{"a preflight of another origin", some, "OPTIONS https://x.org PUT", "vary=origin"},
		{"OPTIONS that is no preflight", some, "OPTIONS https://www.foo.com", "vary=origin; allow-origin=https://www.foo.com; expose-headers=x-c"},
		{"any origin", all, "GET https://x.org", "allow-origin=*; expose-headers=*"},
		{"any preflight", all, "OPTIONS https://x.org PATCH x-z", "allow-origin=*; expose-headers=*; allow-methods=*; allow-headers=*; max-age=5"},
		{"any origin with credentials", &trusted, "GET https://x.org", "vary=origin; allow-origin=https://x.org; allow-credentials=true"},
		{"any preflight with credentials", &trusted, "OPTIONS https://x.org PATCH x-y, x-z",
			"vary=origin; allow-origin=https://x.org; allow-credentials=true; allow-methods=patch; allow-headers=x-y, x-z; max-age=5"},
		{"which asks for no header", &trusted, "OPTIONS https://x.org PATCH",
			"vary=origin; allow-origin=https://x.org; allow-credentials=true; allow-methods=patch; max-age=5"},
		{"which asks for no token", &trusted, "OPTIONS https://x.org PATCH x-y\r\nset-cookie: a",
			"vary=origin; allow-origin=https://x.org; allow-credentials=true; allow-methods=patch; max-age=5"},
		{"nobody is allowed", &proxyconfig.CORS{}, "GET https://x.org", "vary=origin"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := short(compileCORS(test.in).AppendTo(nil, corsRequest(test.request)))
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	for request, want := range map[string]bool{
		"OPTIONS https://a PUT": true, "OPTIONS https://a": false, "OPTIONS - PUT": false, "GET https://a PUT": false, "options https://a PUT": false,
	} {
		if got := corsRequest(request).Preflight(); got != want {
			t.Errorf("%s: got %v", request, got)
		}
	}
}

func TestCORSDropsTheBackendsAnswers(t *testing.T) {
	c := compileCORS(&proxyconfig.CORS{})
	for name, want := range map[string]bool{
		"Access-Control-Allow-Origin": true, "access-control-max-age": true, "ACCESS-CONTROL-EXPOSE-HEADERS": true,
		"Access-Control-Request-Method": false, "Access-Control-": false, "Vary": false, "": false,
	} {
		if got := c.Drops([]byte(name)); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
}

func TestFiltersAllocateNothing(t *testing.T) {
	c := compileCORS(&proxyconfig.CORS{AllowOrigins: []string{"https://*.bar.com"}, AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}, AllowCredentials: true})
	m := compileMirror(&proxyconfig.Mirror{Backend: "b", Fraction: &proxyconfig.Fraction{Numerator: 1, Denominator: 3}})
	r := corsRequest("OPTIONS https://a.bar.com PUT x-a, x-b")
	out := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { c.AppendTo(out, r); m.Fires() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever a browser, or whoever claims to be one, sends: the answer is whole
// field lines of the CORS protocol, and names no origin but the one that asked.
func FuzzCORS(f *testing.F) {
	f.Add("https://*.bar.com", "https://a.bar.com", "OPTIONS", "PUT", "x-a", true)
	f.Add("*", "null", "GET", "", "", true)
	f.Add("http://a:81", "http://a:81\r\nx: y", "OPTIONS", "PUT", "a\nb", false)
	f.Fuzz(func(t *testing.T, allowed, origin, method, requestMethod, requestHeaders string, credentials bool) {
		in := &proxyconfig.CORS{AllowOrigins: []string{allowed}, AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}, AllowCredentials: credentials}
		rule := &proxyconfig.Rule{Filters: []proxyconfig.Filter{{Type: proxyconfig.FilterCORS, CORS: in}}}
		if proxyconfig.ValidateRule(rule) != nil {
			return
		}
		out := compileCORS(in).AppendTo(nil, &CORSRequest{
			Method: []byte(method), Origin: []byte(origin), RequestMethod: []byte(requestMethod), RequestHeaders: []byte(requestHeaders),
		})
		for line := range bytes.Lines(out) {
			name, value, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\r\n")), []byte(": "))
			if !ok || bytes.ContainsAny(value, "\r\n") {
				t.Fatalf("line %q", line)
			}
			switch string(name) {
			case "Access-Control-Allow-Origin":
				if string(value) != origin && (string(value) != "*" || credentials) {
					t.Fatalf("origin %q is told of %q", origin, value)
				}
				if host, ok := strings.CutPrefix(allowed, "https://*."); ok && !strings.HasSuffix(strings.ToLower(strings.TrimSuffix(origin, ":443")), "."+strings.ToLower(strings.TrimSuffix(host, ":443"))) && !strings.Contains(host, ":") {
					t.Fatalf("%q was allowed by %q", origin, allowed)
				}
			case "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age", "Vary":
			default:
				t.Fatalf("field %q", name)
			}
		}
	})
}
