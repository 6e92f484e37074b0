package h1

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzCookies compares the cookies of a request with those that another
// implementation finds: all of those that it finds valid are here, in their order,
// and nothing is here that is not written as one of that name.
func FuzzCookies(f *testing.F) {
	f.Add("a", "a=1; b=2", "a=3;a=")
	f.Add("__Host-fleet", `b=";" ; __Host-fleet="x y"`, "")
	f.Add("a", " a=1;a=1=2;;=;a", "aa=1; A=1")
	f.Fuzz(func(t *testing.T, name, first, second string) {
		in := head("GET / HTTP/1.1", "Host: a", "Cookie: "+first, "X: a=9", "cookie: "+second)
		n, err := Find([]byte(in), 0)
		r := new(Request)
		if err != nil || n != len(in) || r.Parse([]byte(in)) != nil || name == "" || strings.ContainsAny(name, " \t;=") {
			return
		}
		if all := first + ";" + second; strings.Contains(all, " =") || strings.Contains(all, "\t=") {
			return
		}
		var got []string
		for v := range r.Cookies(name) {
			got = append(got, string(v))
		}
		if v, ok := r.Cookie(name); ok != (len(got) > 0) || ok && string(v) != got[0] {
			t.Errorf("the first of %q is %q", got, v)
		}
		at := 0
		for _, c := range (&http.Request{Header: http.Header{"Cookie": {first, second}}}).CookiesNamed(name) {
			if c.Value == "" {
				continue // it may have no sign of equality
			}
			i := slices.IndexFunc(got[at:], func(v string) bool { return strings.Trim(v, `"`) == strings.Trim(c.Value, `"`) })
			if i < 0 {
				t.Fatalf("of %q and %q: no %q in %q", first, second, c.Value, got)
			}
			at += i + 1
		}
		for _, v := range got {
			if strings.Contains(v, ";") || !strings.Contains(first+";"+second, name+"="+v) {
				t.Errorf("of %q and %q: got %q", first, second, v)
			}
		}
	})
}
