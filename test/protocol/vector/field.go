package vector

import "strings"

// startLines are request lines (RFC 9112, section 3). A first line without a slash
// is one of no HTTP, and an invalid preface of HTTP/2 at best (RFC 9113, section
// 3.4), whose sender cannot read an answer by HTTP/1.
func startLines() []Vector {
	const rest = "\r\nHost: a.example\r\n\r\n"
	vectors := []Vector{
		pass("empty line in front", "\r\nGET / HTTP/1.1"+rest, get("/")),
		pass("unknown method", "BREW / HTTP/1.1"+rest, Request{"BREW", "/", host, ""}),
		pass("method in lower case", "get / HTTP/1.1"+rest, Request{"get", "/", host, ""}),
		pass("method of all marks", "!#$%&'*+-.^_`|~ / HTTP/1.1"+rest, Request{"!#$%&'*+-.^_`|~", "/", host, ""}),
		pass("HEAD", "HEAD / HTTP/1.1"+rest, Request{"HEAD", "/", host, ""}),
		pass("PUT", "PUT / HTTP/1.1"+rest, Request{"PUT", "/", host, ""}),
		pass("PATCH", "PATCH / HTTP/1.1"+rest, Request{"PATCH", "/", host, ""}),
		pass("HTTP/1.0", "GET / HTTP/1.0"+rest, get("/")),
		pass("HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", Request{"GET", "/", "", ""}),
		pass("HTTP/1.0 in absolute-form", "GET http://a.example/b HTTP/1.0\r\n\r\n", get("/b")),
	}
	for _, in := range []string{
		"GET /", "GET / ", "GET /  HTTP/1.1", "GET  / HTTP/1.1", " GET / HTTP/1.1", "\tGET / HTTP/1.1", "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/1.1\t", "GET / HTTP/1.1 x", "GET / x HTTP/1.1", "/ HTTP/1.1", "HTTP/1.1",
		"GET / HTTP/1.2", "GET / HTTP/1.9", "GET / HTTP/2.0", "GET / HTTP/2", "GET / HTTP/3.0", "GET / HTTP/0.9", "GET / HTTP/1", "GET / HTTP/1.", "GET / HTTP/.1", "GET / HTTP/11", "GET / HTTP/1.10", "GET / HTTP/01.1", "GET / HTTP/1.01", "GET / HTTP/+1.1", "GET / HTTP/1,1", "GET / HTTP/1.1.1", "GET / HTTP/1.x", "GET / HTTP/x.1", "GET / HTTP/１.1", "GET / HTTP /1.1", "GET / HTTP/ 1.1",
		"GET / http/1.1", "GET / Http/1.1", "GET / HTTPS/1.1", "GET / HTP/1.1", "GET / ICAP/1.0", "GET / RTSP/1.0", "GET / HTTP-1.1", "GET / HTTP/1.1\x00", "GET / HTTP/1.1\x0b", "GET\x00 / HTTP/1.1", "G\x00T / HTTP/1.1", "GET\x0b/ HTTP/1.1", "GET\xa0/ HTTP/1.1", "G(T / HTTP/1.1", "G:T / HTTP/1.1", "GET: / HTTP/1.1", "\"GET\" / HTTP/1.1", "GÉT / HTTP/1.1", "GET,POST / HTTP/1.1", "GET / HTTP/1.1\r", "GET /\rHTTP/1.1", "GET\r/ HTTP/1.1",
		"PRI * HTTP/2.0", "HTTP/1.1 200 OK",
	} {
		vectors = append(vectors, refuse(named("%q", in), in+rest))
	}
	for _, in := range []string{
		"GET", "GET ", "", " ", "GET a b", "INVALID CONNECTION PREFACE", "SSH-2.0-x", "EHLO a.example", "\x16\x03\x01\x02\x00\x01", "\x00",
	} {
		vectors = append(vectors, drop(named("no slash in %q", in), in+rest))
	}
	return append(vectors,
		drop("no slash behind an empty line", "\r\nINVALID CONNECTION PREFACE\r\n\r\n"),
		Vector{Name: "no slash in a second request", In: "GET / HTTP/1.1" + rest + "INVALID CONNECTION PREFACE\r\n\r\n", Verdict: Refuse, Want: []Request{get("/")}},
		refuse("bare LF", "GET / HTTP/1.1\nHost: a.example\r\n\r\n"),
		refuse("bare LF in all", "GET / HTTP/1.1\nHost: a.example\n\n"),
		refuse("bare CR", "GET / HTTP/1.1\rHost: a.example\r\n\r\n"),
		refuse("bare LF in front", "\nGET / HTTP/1.1"+rest),
		refuse("bare CR in front", "\rGET / HTTP/1.1"+rest),
		refuse("two empty lines in front", "\r\n\r\nGET / HTTP/1.1"+rest),
		refuse("HTTP/0.9", "GET /\r\n"),
		refuse("HTTP/0.9 with a host", "GET /\r\nHost: a.example\r\n\r\n"),
		refuse("method without end", strings.Repeat("A", 40000)),
		refuse("target without end", "GET /"+strings.Repeat("a", 40000)),
	)
}

// fields are field lines (RFC 9112, section 5).
func fields() []Vector {
	kept := func(line string) Vector {
		v := pass(named("%q", line), with(line+"\r\n"), get("/"))
		v.Kept = []string{line}
		return v
	}
	vectors := []Vector{
		kept("X: y"), kept("X-Y_Z: 1"), kept("!#$%&'*+-.^_`|~: 1"), kept("1: 2"), kept("X: \"a, b\""), kept("X: a:b"), kept("X: ä"), kept("X: \xff\xfe"), kept("Cookie: a=b; c=d"), kept("Authorization: Basic eDp5"), kept("X: GET / HTTP/1.1"), kept("Accept: */*"), kept("Referer: http://a.example/../"),
		pass("empty value", with("X:\r\n"), get("/")),
		pass("spaces alone", with("X: \t \r\n"), get("/")),
		pass("hundred less one", with(strings.Repeat("X: y\r\n", 90)), get("/")),
		pass("twice", with("X: 1\r\nX: 2\r\n"), get("/")),
		refuse("too many", with(strings.Repeat("X: y\r\n", 200))),
		refuse("too long", with("X: "+strings.Repeat("y", 40000)+"\r\n")),
		refuse("name too long", with(strings.Repeat("x", 40000)+": y\r\n")),
		refuse("folded with a space", with("X: y\r\n z\r\n")),
		refuse("folded with a tab", with("X: y\r\n\tz\r\n")),
		refuse("folded first line", "GET / HTTP/1.1\r\n X: y\r\nHost: a.example\r\n\r\n"),
		refuse("space alone on a line", with("X: y\r\n \r\n")),
	}
	for _, line := range []string{
		"X", ":", ": y", " : y", "X : y", "X\t: y", "X y: z", "X\ty: z", "X(y): z", "X,y: z", "X;y: z", "X/y: z", "X[y]: z", "X{y}: z", "X@y: z", "X\"y\": z", "X=y: z", "X?y: z", "X\\y: z", "X<y>: z", "Ä: y", "X\xff: y", "X\x00: y", "X\x7f: y", "X\x1f: y",
		"X: y\x00", "X: \x01", "X: a\x1bb", "X: y\x7f", "X: a\rb", "X: a\nb", "X: a\r\rb", "X: a\n b", "X: y\r", "X: y\n", "X: y\n\r", "X: \x0b", "X: a\x0cb", "X: a\x08b", "GET / HTTP/1.1", "X: y\n\nGET /smuggled HTTP/1.1\nHost: b",
	} {
		vectors = append(vectors, refuse(named("%q", line), with(line+"\r\n")))
	}
	return vectors
}

// everyByte puts each byte into each place where only some may be.
func everyByte() []Vector {
	var vectors []Vector
	for c := range 256 {
		b := string([]byte{byte(c)})
		add := func(place string, ok bool, in string, want Request) {
			v := Vector{Name: named("%#02x in a %s", c, place), In: in, Verdict: Refuse}
			if ok {
				v.Verdict, v.Want = Pass, []Request{want}
			}
			vectors = append(vectors, v)
		}
		token := isTokenByte(byte(c))
		add("method", token, "G"+b+"T / HTTP/1.1\r\nHost: a.example\r\n\r\n", Request{"G" + b + "T", "/", host, ""})
		// A colon ends the name, and begins a value that may be anything.
		add("field name", token || b == ":", with("X"+b+"Y: z\r\n"), get("/"))
		add("field value", c >= ' ' && c != 0x7f || c == '\t', with("X: y"+b+"z\r\n"), get("/"))
		add("query", c > ' ' && c < 0x7f && c != '#', line("/?a"+b+"b"), get("/?a"+b+"b"))
		add("host", isNameByte(byte(c)), "GET / HTTP/1.1\r\nHost: a"+b+"b\r\n\r\n", Request{"GET", "/", "a" + strings.ToLower(b) + "b", ""})
	}
	return vectors
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func isTokenByte(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func isNameByte(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("-._", c) >= 0 }
