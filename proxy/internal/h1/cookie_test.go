package h1

import "testing"

func TestCookie(t *testing.T) {
	for _, tt := range []struct{ fields, want string }{
		{"", "none"},
		{"Cookie: b=1", "none"},
		{"Cookie: a=1; b=2", "1"},
		{"cookie: b=2;  a=1=2 ;c=3", "1=2"},
		{"Cookie: aa=2; a", "none"},
		{"Cookie: b=2\r\nCookie: a=; a=1", ""},
	} {
		var r Request
		in := "GET / HTTP/1.1\r\nHost: a\r\n"
		if tt.fields != "" {
			in += tt.fields + "\r\n"
		}
		if err := r.Parse([]byte(in + "\r\n")); err != nil {
			t.Fatal(err)
		}
		v, ok := r.Cookie("a")
		got := string(v)
		if !ok {
			got = "none"
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.fields, got, tt.want)
		}
	}
}
