package h1

import (
	"errors"
	"strings"
	"testing"
)

func parseRequest(s string) (*Request, error) {
	b := []byte(s)
	n, err := Find(b, 0)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, nil
	}
	r := new(Request)
	return r, r.Parse(b[:n])
}

// head makes a request of lines, the first of which may be left out.
func head(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

func TestRequestRefused(t *testing.T) {
	const get, host = "GET / HTTP/1.1", "Host: a"
	for _, tt := range []struct {
		name string
		in   string
		want error
	}{
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", ErrLineEnd},
		{"bare LF in the fields", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", ErrFieldValue},
		{"bare CR in a value", head(get, host, "B: c\rD: e"), ErrLineEnd},
		{"CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", ErrLineEnd},
		{"NUL in a value", head(get, host, "B: c\x00d"), ErrFieldValue},
		{"DEL in a value", head(get, host, "B: c\x7fd"), ErrFieldValue},
		{"NUL in a name", head(get, host, "B\x00: c"), ErrFieldName},
		{"space before the colon", head(get, host, "Content-Length : 3"), ErrFieldName},
		{"tab before the colon", head(get, host, "Content-Length\t: 3"), ErrFieldName},
		{"obsolete folding", head(get, host, "B: c", " d"), ErrFieldName},
		{"folding by tab", head(get, host, "B: c", "\td"), ErrFieldName},
		{"space before the first field", head(get, " Host: a"), ErrFieldName},
		{"no colon", head(get, host, "B"), ErrFieldName},
		{"empty name", head(get, host, ": b"), ErrFieldName},
		{"name beyond ASCII", head(get, host, "B\xe9: c"), ErrFieldName},
		{"Expect twice", head(get, host, "Expect: 100-continue", "Expect: x"), ErrExpect},
		{"no host", head(get, "B: c"), ErrHost},
		{"two hosts", head(get, host, "Host: b"), ErrHost},
		{"the same host twice", head(get, host, host), ErrHost},
		{"empty host", head(get, "Host:"), ErrHost},
		{"user in host", head(get, "Host: u@a"), ErrHost},
		{"path in host", head(get, "Host: a/b"), ErrHost},
		{"comma in host", head(get, "Host: a,b"), ErrHost},
		{"space in host", head(get, "Host: a b"), ErrHost},
		{"two final dots", head(get, "Host: a.."), ErrHost},
		{"bad port", head(get, "Host: a:8x"), ErrHost},
		{"port too large", head(get, "Host: a:65536"), ErrHost},
		{"two ports", head(get, "Host: a:80:80"), ErrHost},
		{"only a port", head(get, "Host: :80"), ErrHost},
		{"only a dot", head(get, "Host: ."), ErrHost},
		{"bad brackets", head(get, "Host: [::1"), ErrHost},
		{"zone in an address", head(get, "Host: [fe80::1%eth0]"), ErrHost},
		{"authority and host differ", head("GET http://a/ HTTP/1.1", "Host: b"), ErrHostMismatch},
		{"user in the authority", head("GET http://u@a/ HTTP/1.1", "Host: u@a"), ErrHost},
		{"other scheme", head("GET ftp://a/ HTTP/1.1", host), ErrTarget},
		{"asterisk but not OPTIONS", head("GET * HTTP/1.1", host), ErrTarget},
		{"no slash", head("GET a HTTP/1.1", host), ErrTarget},
		{"CONNECT", head("CONNECT a:443 HTTP/1.1", "Host: a:443"), ErrConnect},
		{"method is not a token", head("G(T / HTTP/1.1", host), ErrMethod},
		{"leading space", head(" GET / HTTP/1.1", host), ErrMethod},
		{"two spaces", head("GET  / HTTP/1.1", host), ErrStartLine},
		{"tab for space", head("GET\t/ HTTP/1.1", host), ErrMethod},
		{"trailing space", head("GET / HTTP/1.1 ", host), ErrStartLine},
		{"space in the target", head("GET /a b HTTP/1.1", host), ErrStartLine},
		{"fragment", head("GET /a#b HTTP/1.1", host), ErrTarget},
		{"target beyond ASCII", head("GET /\xc3\xa9 HTTP/1.1", host), ErrTarget},
		{"no version", head("GET /", host), ErrStartLine},
		{"lower case version", head("GET / http/1.1", host), ErrStartLine},
		{"version with two digits", head("GET / HTTP/1.10", host), ErrStartLine},
		{"version 1.2", head("GET / HTTP/1.2", host), ErrVersion},
		{"version 2.0", head("PRI * HTTP/2.0"), ErrVersion},
		{"Content-Length and Transfer-Encoding", head(get, host, "Content-Length: 3", "Transfer-Encoding: chunked"), ErrFraming},
		{"Content-Length twice", head(get, host, "Content-Length: 3", "Content-Length: 3"), ErrContentLength},
		{"Content-Length differing", head(get, host, "Content-Length: 3", "content-length: 4"), ErrContentLength},
		{"Content-Length list", head(get, host, "Content-Length: 3, 3"), ErrContentLength},
		{"Content-Length signed", head(get, host, "Content-Length: +3"), ErrContentLength},
		{"Content-Length negative", head(get, host, "Content-Length: -3"), ErrContentLength},
		{"Content-Length hexadecimal", head(get, host, "Content-Length: 0x3"), ErrContentLength},
		{"Content-Length empty", head(get, host, "Content-Length:"), ErrContentLength},
		{"Content-Length too long", head(get, host, "Content-Length: 9999999999999999999"), ErrContentLength},
		{"coding other than chunked", head(get, host, "Transfer-Encoding: gzip"), ErrTransferEncoding},
		{"coding list", head(get, host, "Transfer-Encoding: gzip, chunked"), ErrTransferEncoding},
		{"identity", head(get, host, "Transfer-Encoding: identity"), ErrTransferEncoding},
		{"coding twice", head(get, host, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), ErrTransferEncoding},
		{"coding empty", head(get, host, "Transfer-Encoding:"), ErrTransferEncoding},
		{"coding with a vertical tab", head(get, host, "Transfer-Encoding: \x0bchunked"), ErrFieldValue},
		{"coding quoted", head(get, host, `Transfer-Encoding: "chunked"`), ErrTransferEncoding},
		{"chunked in HTTP/1.0", head("GET / HTTP/1.0", host, "Transfer-Encoding: chunked"), ErrTransferEncoding},
		{"Connection is not a list", head(get, host, "Connection: a b"), ErrConnection},
		{"backslash", head(`GET /a\b HTTP/1.1`, host), ErrPath},
		{"encoded backslash", head("GET /a%5cb HTTP/1.1", host), ErrPath},
		{"encoded NUL", head("GET /a%00b HTTP/1.1", host), ErrPath},
		{"bad encoding", head("GET /a%zzb HTTP/1.1", host), ErrPath},
		{"cut encoding", head("GET /a%4 HTTP/1.1", host), ErrPath},
		{"out of the root", head("GET /a/../../b HTTP/1.1", host), ErrPath},
		{"dot segment with parameters", head("GET /a/..;x/b HTTP/1.1", host), ErrPath},
		{"TLS", "\x16\x03\x01\x02\x00", ErrStartLine},
		{"too large", "GET / HTTP/1.1\r\nA: " + strings.Repeat("x", MaxHead), ErrHeadTooLarge},
		{"too large but complete", head(get, host, "A: "+strings.Repeat("x", MaxHead)), ErrHeadTooLarge},
		{"too many fields", head(get, host, strings.Repeat("A: b\r\n", MaxFields)+"A: b"), ErrTooManyFields},
	} {
		if _, err := parseRequest(tt.in); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestRequestTaken(t *testing.T) {
	for _, tt := range []struct {
		name             string
		in               string
		host, port, path string
		query            string
	}{
		{"plain", head("GET /a?b=c HTTP/1.1", "Host: Example.COM:8080"), "example.com", ":8080", "/a", "b=c"},
		{"empty line first", "\r\n" + head("GET / HTTP/1.1", "Host: a"), "a", "", "/", ""},
		{"final dot", head("GET / HTTP/1.1", "Host: a.b."), "a.b", "", "/", ""},
		{"empty port", head("GET / HTTP/1.1", "Host: a:"), "a", "", "/", ""},
		{"IPv6", head("GET / HTTP/1.1", "Host: [2001:DB8::1]:80"), "[2001:db8::1]", ":80", "/", ""},
		{"absolute form", head("GET http://A:80/x?y HTTP/1.1", "Host: a:80"), "a", ":80", "/x", "y"},
		{"absolute form without a path", head("GET http://a?y HTTP/1.1", "Host: a"), "a", "", "/", "y"},
		{"absolute form of HTTP/1.0 without a host", head("GET http://a/ HTTP/1.0"), "a", "", "/", ""},
		{"asterisk", head("OPTIONS * HTTP/1.1", "Host: a"), "a", "", "/", ""},
		{"HTTP/1.0 without a host", head("GET / HTTP/1.0"), "", "", "/", ""},
		{"underscores and other token bytes", head("GET / HTTP/1.1", "Host: a_b", "x_y!#$%&'*+.^`|~: z"), "a_b", "", "/", ""},
		{"value with obs-text", head("GET / HTTP/1.1", "Host: a", "B: \xe9"), "a", "", "/", ""},
	} {
		r, err := parseRequest(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if string(r.Name) != tt.host || string(r.Port) != tt.port || string(r.Path) != tt.path || string(r.Query) != tt.query {
			t.Errorf("%s: got host %q port %q path %q query %q", tt.name, r.Name, r.Port, r.Path, r.Query)
		}
	}
}

func TestNormalPath(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"/", "/"},
		{"/a.b/c..d/.e", "/a.b/c..d/.e"},
		{"/%41%7e%2d", "/A~-"},
		{"/a%2fb%3F", "/a%2Fb%3F"},
		{"/./a/./b/.", "/a/b/"},
		{"/a/b/../c", "/a/c"},
		{"/a/b/..", "/a/"},
		{"/a/..", "/"},
		{"/a/%2e%2E/b", "/b"},
		{"/a/%2e/b", "/a/b"},
		{"//a///b//", "/a/b/"},
		{"//a.", "/a."},
		{"/b//..a/.c.", "/b/..a/.c."},
		{"/a;x=1/b", "/a;x=1/b"},
		{"/%0d%0a", "/%0D%0A"},
		{"/...", "/..."},
	} {
		got, err := normalPath([]byte(tt.in))
		if err != nil || string(got) != tt.want {
			t.Errorf("normalPath(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
		again, err := normalPath([]byte(tt.want))
		if err != nil || string(again) != tt.want {
			t.Errorf("%q is not a fixed point: %q, %v", tt.want, again, err)
		}
	}
}

func TestFieldsForwarded(t *testing.T) {
	in := head("GET / HTTP/1.1",
		"Host: a",
		"Accept: */*",
		"Connection: close, X-Drop, content-length, X-Forwarded-For, Host",
		"Keep-Alive: timeout=5",
		"X-Keep: 1",
		"x-drop: 2",
		"TE: gzip, trailers",
		"Upgrade: h2c",
		"HTTP2-Settings: x",
		"Content-Length: 3",
		"Content_Length: 4",
		"Transfer_Encoding: chunked",
		"X-Forwarded-For: 1.2.3.4",
		"X-FORWARDED-Prefix: /x",
		"X_Forwarded_For: 1.2.3.4",
		"Forwarded: for=1.2.3.4",
		"X-Real-IP: 1.2.3.4",
		"Proxy: http://evil",
		"Proxy-Authorization: x",
		"Proxy-Connection: keep-alive",
		"X_Own: 3",
		"X-Last: 4")
	r, err := parseRequest(in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.AppendFields(nil, nil)), "Accept: */*\r\nX-Keep: 1\r\nX_Own: 3\r\nX-Last: 4\r\n"; got != want {
		t.Errorf("got fields %q, want %q", got, want)
	}
	if !r.Close || r.Length != 3 || !r.Trailers() || string(r.Name) != "a" {
		t.Errorf("got close %v, length %d, trailers %v, host %q", r.Close, r.Length, r.Trailers(), r.Name)
	}
}

// A head may have as many kept ranges as fields.
func TestManyKeptRanges(t *testing.T) {
	in, want := "GET / HTTP/1.1\r\nHost: a\r\n", ""
	for range (MaxFields - 1) / 2 {
		in += "A: b\r\nTE: x\r\n"
		want += "A: b\r\n"
	}
	r, err := parseRequest(in + "\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(r.AppendFields(nil, nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestValue(t *testing.T) {
	r, err := parseRequest(head("GET / HTTP/1.1", "Host: A", "X-A: 1", "x-a: 2", "X-A: 3", "B: ", "Connection: C", "C: d", "X-Forwarded-For: x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		found      bool
	}{
		{"x-a", "1,2,3", true}, {"b", "", true}, {"host", "a", true},
		{"c", "", false}, {"x-forwarded-for", "", false}, {"none", "", false},
	} {
		if got, found := r.Value(tt.name); string(got) != tt.want || found != tt.found {
			t.Errorf("Value(%q) = %q, %v; want %q, %v", tt.name, got, found, tt.want, tt.found)
		}
	}
}

// However a head is cut, what is found is the same.
func TestFindInPieces(t *testing.T) {
	in := []byte(head("GET / HTTP/1.1", "Host: a", "B: c") + "rest")
	for i := range in {
		n, err := Find(in[:i], 0)
		if err != nil {
			t.Fatalf("after %d bytes: %v", i, err)
		}
		if n != 0 {
			if i != n {
				t.Errorf("found %d after %d bytes", n, i)
			}
			break
		}
		if m, err := Find(in, i); err != nil || m != len(in)-4 {
			t.Errorf("after %d scanned bytes: %d, %v", i, m, err)
		}
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	in := []byte(head("GET /a/b/c?d=e HTTP/1.1", "Host: example.com:8080", "User-Agent: x", "Accept: */*", "Connection: keep-alive"))
	r, out := new(Request), make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		if err := r.Parse(in); err != nil {
			t.Fatal(err)
		}
		out = r.AppendFields(out[:0], nil)
	}); n != 0 {
		t.Errorf("%v allocations per head", n)
	}
}

func TestIsForeign(t *testing.T) {
	for in, want := range map[string]bool{
		"INVALID CONNECTION PREFACE\r\n\r\n": true, "\r\nEHLO a\r\n": true, "SSH-2.0-x\r\n": true,
		"\r\n\r\n": false, "GET / HTTP/1.1\r\n\r\n": false, "GET /\r\n": false, "GET a HTTP/1.1\r\n": false, "x\nGET / HTTP/1.1\r\n": false,
		// Nobody knows what the line is going to have.
		"EHLO a": false, "\x16\x03\x01": false, "": false,
	} {
		if got := IsForeign([]byte(in)); got != want {
			t.Errorf("%q: got %v", in, got)
		}
	}
}
