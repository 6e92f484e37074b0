package h2

import "testing"

func pseudo(method, scheme, path, authority string) []string {
	return []string{":method: " + method, ":scheme: " + scheme, ":path: " + path, ":authority: " + authority}
}

// refusedRequests are what a request may not be.
var refusedRequests = map[string][]string{
	"no method":                     {":scheme: http", ":path: /", ":authority: a"},
	"no scheme":                     {":method: GET", ":path: /", ":authority: a"},
	"no path":                       {":method: GET", ":scheme: http", ":authority: a"},
	"no authority":                  {":method: GET", ":scheme: http", ":path: /"},
	"empty path":                    pseudo("GET", "http", "", "a"),
	"empty authority":               pseudo("GET", "http", "/", ""),
	"two methods":                   with(get, ":method: GET"),
	"two paths":                     with(get, ":path: /"),
	"status":                        with(get, ":status: 200"),
	"unknown pseudo":                with(get, ":unknown: x"),
	"pseudo after regular":          {":method: GET", ":scheme: http", "x: y", ":path: /", ":authority: a"},
	"upper case":                    with(get, "X-Upper: 1"),
	"connection":                    with(get, "connection: x"),
	"keep-alive":                    with(get, "keep-alive: 1"),
	"proxy-connection":              with(get, "proxy-connection: close"),
	"upgrade":                       with(get, "upgrade: h2c"),
	"transfer-encoding":             with(get, "transfer-encoding: chunked"),
	"te":                            with(get, "te: gzip"),
	"te among others":               with(get, "te: trailers, gzip"),
	"colon in a name":               with(get, "x:y: 1"),
	"space in a name":               with(get, "x y: 1"),
	"LF in a name":                  with(get, "x\ny: 1"),
	"CR in a value":                 with(get, "x: a\rb"),
	"LF in a value":                 with(get, "x: a\nb"),
	"NUL in a value":                with(get, "x: a\x00b"),
	"space before a value":          with(get, "x:  a"),
	"space after a value":           with(get, "x: a "),
	"CRLF in the method":            pseudo("GET / HTTP/1.1\r\nx: y", "http", "/", "a"),
	"space in the method":           pseudo("G ET", "http", "/", "a"),
	"space in the path":             pseudo("GET", "http", "/ x", "a"),
	"CRLF in the path":              pseudo("GET", "http", "/\r\nx", "a"),
	"NUL in the path":               pseudo("GET", "http", "/\x00", "a"),
	"fragment":                      pseudo("GET", "http", "/#x", "a"),
	"LF in the authority":           pseudo("GET", "http", "/", "a\nb"),
	"LF in the scheme":              pseudo("GET", "http\n", "/", "a"),
	"unknown scheme":                pseudo("GET", "ftp", "/", "a"),
	"userinfo":                      pseudo("GET", "http", "/", "u@a"),
	"relative path":                 pseudo("GET", "http", "x", "a"),
	"absolute path":                 pseudo("GET", "http", "http://a/", "a"),
	"asterisk":                      pseudo("GET", "http", "*", "a"),
	"out of the root":               pseudo("GET", "http", "/../x", "a"),
	"backslash":                     pseudo("GET", "http", "/%5cx", "a"),
	"host conflict":                 with(get, "host: b.example"),
	"two hosts":                     with(get, "host: a.example", "host: a.example"),
	"two lengths":                   with(get, "content-length: 0", "content-length: 0"),
	"signed length":                 with(get, "content-length: +0"),
	"list of lengths":               with(get, "content-length: 0,0"),
	"length without a body":         with(get, "content-length: 1"),
	"CONNECT":                       {":method: CONNECT", ":authority: a:443"},
	"protocol without CONNECT":      with(get, ":protocol: websocket"),
	"extended CONNECT without path": {":method: CONNECT", ":protocol: websocket", ":scheme: http", ":authority: a"},
	"crumb with LF":                 with(get, "cookie: a", "cookie: b\nc"),
}

// What a request may not be (RFC 9113, section 8): the stream is reset and
// nothing is handed on.
func TestRequestsThatAreRefused(t *testing.T) {
	for name, lines := range refusedRequests {
		t.Run(name, func(t *testing.T) {
			r, p := newRecorder(Server, Options{}), newPeer()
			p.hello(Server)
			r.c.Receive(0, p.take())
			r.takeSent(t)
			p.head(1, true, lines...)
			// What follows shows that the header table is still right.
			p.head(3, true, with(get, "x-after: 1")...)
			r.c.Receive(0, p.take())
			if got, want := r.takeSent(t), "RST_STREAM 1 PROTOCOL_ERROR"; got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
			want := "1 reset PROTOCOL_ERROR false\n3 request GET a.example/? [] \"x-after: 1\\r\\n\" true"
			if got := r.takeLog(); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}

func TestRequestsThatAreTaken(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		want  string
	}{
		"cookie crumbs":        {with(get, "cookie: a", "cookie: b", "x: y", "cookie: c"), `GET a.example/? [] "cookie: a; b; c\r\nx: y\r\n" true`},
		"te trailers":          {with(get, "te: trailers"), `GET a.example/? [] "" true`},
		"host that agrees":     {with(get, "host: A.example"), `GET a.example/? [] "" true`},
		"host alone":           {[]string{":method: GET", ":scheme: https", ":path: /x?y", "host: B.example:80"}, `GET b.example:80/x?y [] "" true`},
		"OPTIONS *":            {[]string{":method: OPTIONS", ":scheme: http", ":path: *", ":authority: a"}, `OPTIONS a/? [] "" true`},
		"normal path":          {[]string{":method: GET", ":scheme: http", ":path: /a/../%7eb", ":authority: A."}, `GET a/~b? [] "" true`},
		"extended CONNECT":     {[]string{":method: CONNECT", ":protocol: websocket", ":scheme: http", ":path: /c", ":authority: a"}, `CONNECT a/c? [websocket] "" true`},
		"length zero":          {with(get, "content-length: 0"), `GET a.example/? [] "" true`},
		"forged by underscore": {with(get, "transfer_encoding: x", "x-forwarded_for: y", "a_b: c"), `GET a.example/? [] "a_b: c\r\n" true`},
	} {
		t.Run(name, func(t *testing.T) {
			r, p := newRecorder(Server, Options{}), newPeer()
			p.hello(Server)
			p.head(1, true, test.lines...)
			r.c.Receive(0, p.take())
			if got := r.takeLog(); got != "1 request "+test.want {
				t.Errorf("told %s, want %s", got, test.want)
			}
		})
	}
}

// The announced length of a body counts (RFC 9113, section 8.1.1).
func TestAnnouncedLength(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(p *peer)
		want string
	}{
		"right":             {func(p *peer) { p.WriteData(1, false, []byte("ab")); p.WriteData(1, true, []byte("c")) }, "1 data \"ab\" false\n1 data \"c\" true"},
		"short":             {func(p *peer) { p.WriteData(1, true, []byte("ab")) }, "1 reset PROTOCOL_ERROR false"},
		"long":              {func(p *peer) { p.WriteData(1, false, []byte("abcd")) }, "1 reset PROTOCOL_ERROR false"},
		"ended by trailers": {func(p *peer) { p.WriteData(1, false, []byte("abc")); p.head(1, true, "x: y") }, "1 data \"abc\" false\n1 trailers \"x: y\\r\\n\""},
		"short of trailers": {func(p *peer) { p.WriteData(1, false, []byte("ab")); p.head(1, true, "x: y") }, "1 data \"ab\" false\n1 reset PROTOCOL_ERROR false"},
	} {
		t.Run(name, func(t *testing.T) {
			r, p := newRecorder(Server, Options{}), newPeer()
			p.hello(Server)
			p.head(1, false, with(get, "content-length: 3")...)
			r.c.Receive(0, p.take())
			r.takeLog()
			test.do(p)
			r.c.Receive(0, p.take())
			if got := r.takeLog(); got != test.want {
				t.Errorf("told %q, want %q", got, test.want)
			}
		})
	}
}
