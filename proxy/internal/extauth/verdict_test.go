package extauth

import (
	"net/url"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// asked is a filter by HTTP that shows and takes some headers.
func asked(shown, taken []string) *filter.ExternalAuth {
	return compiled(&proxyconfig.ExternalAuth{Protocol: proxyconfig.AuthHTTP, PathPrefix: "/check/", RequestHeaders: shown, ResponseHeaders: taken})
}

func compiled(in *proxyconfig.ExternalAuth) *filter.ExternalAuth {
	chain, err := filter.Compile([]proxyconfig.Filter{{Type: proxyconfig.FilterExternalAuth, ExternalAuth: in}})
	if err != nil {
		panic(err)
	}
	return chain.ExternalAuth
}

type nothing struct{}

func (nothing) Drops([]byte) bool { return false }

// only drops the one field.
type only string

func (o only) Drops(name []byte) bool { return h1.EqualFold(name, string(o)) }

// lines writes "a=1 b=2" as field lines, and text does the reverse.
func lines(s string) []byte {
	var out []byte
	for _, f := range strings.Fields(s) {
		name, value, _ := strings.Cut(f, "=")
		out = h1.AppendField(out, name, []byte(value))
	}
	return out
}

func text(lines []byte) string {
	s := strings.TrimSuffix(string(lines), "\r\n")
	return strings.ReplaceAll(strings.ReplaceAll(s, ": ", "="), "\r\n", " ")
}

func parsed(t testing.TB, status, fields string) *h1.Response {
	r := &h1.Response{}
	if err := r.Parse([]byte("HTTP/1.1 " + status + "\r\n" + string(lines(fields)) + "\r\n")); err != nil {
		t.Fatal(err)
	}
	return r
}

// What a server answers by HTTP, and what becomes of the client's fields.
func TestAllowed(t *testing.T) {
	tests := []struct {
		name                   string
		shown, taken           []string
		answer, request, later string
		want                   string
	}{
		{"all fields but what describes the answer", nil, nil, "X-User=a Content-Type=text/odd Content-Encoding=br Trailer=x Date=now", "Accept=b", "",
			"Accept=b X-User=a Date=now"},
		{"the listed ones", nil, []string{"x-user", "Content-Type"}, "X-User=a Content-Type=c X-Other=o", "Content-Type=b Accept=b", "",
			"Accept=b X-User=a Content-Type=c"},
		{"several of a name", nil, nil, "Set-Cookie=a Set-Cookie=b", "", "", "Set-Cookie=a Set-Cookie=b"},
		{"none of a connection", nil, nil, "Connection=x-a Keep-Alive=1 Upgrade=x Proxy-Authenticate=b TE=trailers X-A=1", "", "", ""},
		{"none that the proxy writes", nil, nil, "Host=evil X-Forwarded-For=::1 X-Real-IP=::1 X-Request-Id=1 X-Forwarded-User=a", "", "", "X-Forwarded-User=a"},
		{"in place of the client's", nil, nil, "X-User=a", "X-User=b x_user=c X-USER=d", "", "X-User=a"},
		{"what nobody vouched for", nil, []string{"X-User"}, "", "X-User=b x_user=c Accept=d", "", "Accept=d"},
		{"what the server has seen", []string{"X-User"}, []string{"X-User", "Authorization"}, "", "X-User=b Authorization=c", "", "X-User=b Authorization=c"},
		{"what later edits decide", nil, nil, "X-User=a X-Kept=1", "", "x-user", "X-Kept=1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := asked(test.shown, test.taken)
			v := Read(a, parsed(t, "200 OK", test.answer))
			got := text(v.AppendFields(nil, a, lines(test.request), only(test.later)))
			if !v.Allowed || got != test.want {
				t.Errorf("got  %v %q\nwant %q", v.Allowed, got, test.want)
			}
		})
	}
}

func TestModes(t *testing.T) {
	tests := []struct {
		mode             Mode
		present, missing string
	}{
		{Set, "X-A=new", "X-A=new"},
		{Add, "x-a=old X-A=new", "X-A=new"},
		{AddIfAbsent, "x-a=old", "X-A=new"},
		{SetIfPresent, "X-A=new", ""},
	}
	for _, test := range tests {
		v := &Verdict{Fields: []Field{{Name: []byte("X-A"), Value: []byte("new"), Mode: test.mode}}}
		for request, want := range map[string]string{"x-a=old": test.present, "": test.missing} {
			if got := text(v.AppendFields(nil, asked(nil, nil), lines(request), nothing{})); got != want {
				t.Errorf("mode %d, request %q: got %q, want %q", test.mode, request, got, want)
			}
		}
	}
	v := &Verdict{Removed: [][]byte{[]byte("X-Gone")}}
	if got := text(v.AppendFields(nil, asked(nil, nil), lines("x-gone=1 x_gone=2 x-kept=3"), nothing{})); got != "x-kept=3" {
		t.Errorf("got %q", got)
	}
}

func TestDenied(t *testing.T) {
	tests := []struct {
		status, fields string
		length         int
		want           string
	}{
		{"401 Unauthorized", "WWW-Authenticate=Basic Content-Length=9 Connection=close Set-Cookie=a Set-Cookie=b", 3,
			"HTTP/1.1 401 Unauthorized WWW-Authenticate=Basic Set-Cookie=a Set-Cookie=b Content-Length=3"},
		{"302 Found", "Location=/login", 0, "HTTP/1.1 302 Found Location=/login Content-Length=0"},
		{"500 Oh", "", 0, "HTTP/1.1 500 Internal Server Error Content-Length=0"},
		{"204 No Content", "X-A=1", 0, "HTTP/1.1 403 Forbidden X-A=1 Content-Length=0"},
		{"201 Created", "", -2, "HTTP/1.1 403 Forbidden"},
	}
	for _, test := range tests {
		v := Read(asked(nil, []string{"X-User"}), parsed(t, test.status, test.fields))
		got := text(v.AppendDenial(nil, test.length))
		if v.Allowed || strings.TrimSuffix(got, " ") != test.want {
			t.Errorf("%s: got %q, want %q", test.status, got, test.want)
		}
	}
}

func TestAppendTarget(t *testing.T) {
	tests := []struct{ target, set, removed, want string }{
		{"/a?b=c", "", "", "/a?b=c"},
		{"/a?token=x&b=c&tok%65n=y&token", "", "token", "/a?b=c"},
		{"/a?token=x", "", "token", "/a"},
		{"/a", "u", "", "/a?u=new+value%26"},
		{"/a?u=1&b=%zz&u=2", "u", "", "/a?b=%zz&u=new+value%26"},
		{"*", "", "b", "*"},
	}
	for _, test := range tests {
		v := &Verdict{}
		if test.set != "" {
			v.SetQuery = []Field{{Name: []byte(test.set), Value: []byte("new value&")}}
		}
		if test.removed != "" {
			v.RemovedQuery = [][]byte{[]byte(test.removed)}
		}
		if got := string(v.AppendTarget(nil, []byte(test.target))); got != test.want {
			t.Errorf("%s: got %s, want %s", test.target, got, test.want)
		}
	}
}

// What the server says of the response, beside the backend's own fields and the
// rule's edits.
func TestAppendResponse(t *testing.T) {
	v := &Verdict{Response: []Field{
		{[]byte("set"), []byte("1"), Set}, {[]byte("add"), []byte("1"), Add},
		{[]byte("absent"), []byte("1"), AddIfAbsent}, {[]byte("present"), []byte("1"), SetIfPresent},
		{[]byte("edited"), []byte("1"), Set}, {[]byte("content-type"), []byte("1"), Set},
	}}
	for _, test := range []struct{ fields, want string }{
		{"a=1", "set=1 add=1 absent=1 content-type=1"},
		{"Set=0 Add=0 Absent=0 Present=0 Content-Type=0", "set=1 add=1 present=1 content-type=1"},
	} {
		if got := text(v.AppendResponse(nil, parsed(t, "200 OK", test.fields), only("edited"))); got != test.want {
			t.Errorf("%s: got %s, want %s", test.fields, got, test.want)
		}
	}
	if got, want := text(v.AppendResponse(nil, nil, nothing{})), "set=1 add=1 absent=1 edited=1"; got != want {
		t.Errorf("the proxy's own: got %s, want %s", got, want)
	}
	for name, want := range map[string]bool{"SET": true, "Present": true, "Add": false, "Absent": false, "other": false} {
		if got := v.Replaces([]byte(name)); got != want {
			t.Errorf("%s: replaced %v", name, got)
		}
	}
}

// Whatever a server makes of a query, the target stays one word with the path that
// it had, and has the parameters that were set and none that was removed.
func FuzzTarget(f *testing.F) {
	f.Add("/a?b=1&c=2&b=3", "b", "4", "c")
	f.Add("/?%62=1&=&&x", "b", "\r\n &=#", "")
	f.Add("/a?a=%zz", "a=b", "", "%zz")
	f.Fuzz(func(t *testing.T, target, name, value, removed string) {
		if strings.ContainsAny(target, " \r\n#") {
			return
		}
		v := &Verdict{SetQuery: []Field{{Name: []byte(name), Value: []byte(value)}}, RemovedQuery: [][]byte{[]byte(removed)}}
		got := string(v.AppendTarget(nil, []byte(target)))
		path, query, _ := strings.Cut(got, "?")
		if before, _, _ := strings.Cut(target, "?"); path != before || strings.ContainsAny(got, " \r\n#") {
			t.Fatalf("got %q of %q", got, target)
		}
		set := 0
		for p := range strings.SplitSeq(query, "&") {
			raw, text, _ := strings.Cut(p, "=")
			decoded, err := url.QueryUnescape(raw)
			switch {
			case err != nil:
			case decoded == name:
				if text, _ := url.QueryUnescape(text); text != value {
					t.Errorf("%q is %q in %q", name, text, got)
				}
				set++
			case decoded == removed:
				t.Errorf("%q is left in %q", removed, got)
			}
		}
		if set != 1 {
			t.Errorf("%q is there %d times in %q", name, set, got)
		}
	})
}
