package h1

import (
	"bytes"
	"net/url"
	"path"
	"strings"
	"testing"
)

// FuzzPath compares the normal form of paths with that of another implementation,
// which decodes, cleans and encodes in turn. The form is a fixed point, and no
// part of it could lead a backend elsewhere.
func FuzzPath(f *testing.F) {
	for _, p := range []string{
		"/", "/a/%2e%2E//b%7ec%2fd", "/a/./b/../c/", "/a//..", "/..;x/", "/a/..%2f..", "//admin", "/a/%5c..", "/%00", "/a/b/..", "/a;b/../c", "/%e4%c3/.", "/...",
	} {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) == 0 || in[0] != '/' || bytes.ContainsAny(in, "?# ") || !isPrintable(in) {
			return
		}
		got, err := normalPath(bytes.Clone(in))
		if err != nil {
			return
		}
		if again, err := normalPath(bytes.Clone(got)); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%q becomes %q, and that %q: %v", in, got, again, err)
		}
		for _, segment := range strings.Split(string(got), "/") {
			if segment, _, _ = strings.Cut(segment, ";"); segment == "." || segment == ".." {
				t.Fatalf("%q becomes %q", in, got)
			}
		}
		if bytes.Contains(got, []byte("//")) || got[0] != '/' || bytes.ContainsAny(got, "\\\x00") {
			t.Fatalf("%q becomes %q", in, got)
		}
		if want := cleaned(t, string(in)); unescaped(t, string(got)) != unescaped(t, want) {
			t.Fatalf("%q becomes %q, want %q", in, got, want)
		}
	})
}

func isPrintable(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// cleaned resolves the dots of a path segment by segment, of which encoded
// slashes are a part.
func cleaned(t *testing.T, p string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		if d := unescaped(t, s); !strings.Contains(d, "/") {
			segments[i] = url.PathEscape(d)
		}
	}
	joined := strings.Join(segments, "/")
	out := path.Clean(joined)
	if last := segments[len(segments)-1]; out != "/" && (last == "" || last == "." || last == "..") {
		out += "/"
	}
	return out
}

// unescaped is p without its encodings, with a mark in place of encoded slashes.
func unescaped(t *testing.T, p string) string {
	p = strings.NewReplacer("%2f", "%01", "%2F", "%01").Replace(p)
	u, err := url.PathUnescape(p)
	if err != nil {
		t.Fatalf("%q was taken: %v", p, err)
	}
	return u
}
