package vector

import "strings"

func line(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n" }

// targets are request targets in origin-form and asterisk-form. One normal form
// is matched and forwarded (RFC 3986, section 6.2.2); what has none that all
// backends share is refused.
func targets() []Vector {
	var vectors []Vector
	for _, t := range []struct{ in, want string }{
		{"/", "/"}, {"/a", "/a"}, {"/a/", "/a/"}, {"/A", "/A"}, {"//", "/"}, {"//a", "/a"}, {"/a//b", "/a/b"}, {"///", "/"},
		{"/.", "/"}, {"/./", "/"}, {"/./a", "/a"}, {"/a/.", "/a/"}, {"/a/./b", "/a/b"}, {"/a/..", "/"}, {"/a/../", "/"}, {"/a/../b", "/b"}, {"/a/b/../../c", "/c"}, {"/a/b/..", "/a/"},
		{"/...", "/..."}, {"/.a", "/.a"}, {"/a.", "/a."}, {"/..a", "/..a"}, {"/a..", "/a.."}, {"/a/.../b", "/a/.../b"},
		{"/%2e", "/"}, {"/%2E/a", "/a"}, {"/a/%2e%2e/b", "/b"}, {"/a/.%2e/b", "/b"}, {"/a/%2E./b", "/b"}, {"/a%2eb", "/a.b"},
		{"/%41", "/A"}, {"/%61%62", "/ab"}, {"/%7e", "/~"}, {"/%7Ea", "/~a"}, {"/%2d%5f%30", "/-_0"},
		{"/a%2fb", "/a%2Fb"}, {"/a%2Fb", "/a%2Fb"}, {"/%2f", "/%2F"}, {"/a%3fb", "/a%3Fb"}, {"/a%23b", "/a%23b"}, {"/a%20b", "/a%20b"}, {"/%25", "/%25"}, {"/%2525", "/%2525"}, {"/%252e%252e/", "/%252e%252e/"}, {"/%252f", "/%252f"},
		{"/%0a", "/%0A"}, {"/%0d%0aX:%20y", "/%0D%0AX:%20y"}, {"/a%0d%0ab", "/a%0D%0Ab"}, {"/%c3%a4", "/%C3%A4"}, {"/%ff", "/%FF"}, {"/%c0%af", "/%C0%AF"}, {"/%c0%ae%c0%ae/", "/%C0%AE%C0%AE/"}, {"/%e0%80%af", "/%E0%80%AF"}, {"/%7f", "/%7F"},
		{"/a;b", "/a;b"}, {"/a;b=c/d", "/a;b=c/d"}, {"/;a", "/;a"}, {"/a;/b", "/a;/b"}, {"/a;x=..", "/a;x=.."}, {"/a%3bb", "/a%3Bb"},
		{"/a:b", "/a:b"}, {"/a@b", "/a@b"}, {"/a!$&'()*+,=", "/a!$&'()*+,="}, {"/a|b", "/a|b"}, {"/{a}", "/{a}"}, {"/^a", "/^a"}, {"/a`b", "/a`b"}, {"/\"a\"", "/\"a\""}, {"/<a>", "/<a>"}, {"/[a]", "/[a]"},
		{"/?", "/?"}, {"/?a", "/?a"}, {"/a?b=c&d", "/a?b=c&d"}, {"/a?b?c", "/a?b?c"}, {"/a?/../b", "/a?/../b"}, {"/a?%2e%2e", "/a?%2e%2e"}, {"/a?%zz", "/a?%zz"}, {"/a?b\\c", "/a?b\\c"}, {"/a?http://b/", "/a?http://b/"}, {"/a/../b?c/../d", "/b?c/../d"}, {"/a?%00", "/a?%00"},
		{"/http://b/", "/http:/b/"}, {"//b.example/c", "/b.example/c"}, {"/" + strings.Repeat("a", 8000), "/" + strings.Repeat("a", 8000)},
	} {
		vectors = append(vectors, pass(named("%.60q", t.in), line(t.in), get(t.want)))
	}
	for _, target := range []string{
		"", "a", "a/b", "?a", "*", ".", "..", "./", "../", ":80", "%2f", "%2Fa", ";", "a.example", "a.example:80", "a.example/b", "\\", "\\a",
		"/..", "/../", "/../a", "/a/../..", "/a/../../b", "/%2e%2e", "/%2e%2e/", "/.%2e/a", "/a/%2e%2e/%2e%2e/", "/./..", "//../..", "/a//..", "/a//../b", "/a//./..", "/..;/", "/..;a/b", "/a/..;/b", "/.;/a", "/.;a", "/a/.;x=y/b", "/%2e%2e;/a", "/..%3b/../..",
		"/\\", "/a\\b", "/a\\..\\b", "/%5c", "/%5C..%5C", "/a%5cb", "/%00", "/a%00b", "/a%00", "/..%00/", "/..\\", "/.\\",
		"/%", "/%2", "/%zz", "/%2g", "/a%", "/%u002f", "/%%32%65", "/%-1", "/% 1", "/%+1", "/a%2", "/%x1",
		"/#", "/a#b", "/a?b#c", "#", "/#/../a",
		"/ä", "/\xc0\xaf", "/a\xff", "/a?\xe4", "/\u2215", "/\u2024\u2024/",
		"/a b", "/a\tb", "/a\x00", "/a\x0bb", "/a\x0cb", "/a\x7f", "/a\x1b", "/a\rb", "/a\nb",
	} {
		vectors = append(vectors, refuse(named("%q", target), line(target)))
	}
	options := pass("asterisk", "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", Request{"OPTIONS", "*", host, ""})
	return append(vectors, options,
		refuse("asterisk with a query", "OPTIONS *?a HTTP/1.1\r\nHost: a.example\r\n\r\n"),
		refuse("two asterisks", "OPTIONS ** HTTP/1.1\r\nHost: a.example\r\n\r\n"),
		refuse("asterisk of a POST", "POST * HTTP/1.1\r\nHost: a.example\r\n\r\n"),
		refuse("asterisk behind a slash's absence", "OPTIONS *a HTTP/1.1\r\nHost: a.example\r\n\r\n"),
	)
}

// absolutes are targets in absolute-form (RFC 9112, section 3.2.2). The Host
// field must say the same: where it does not, recipients differ in which counts.
func absolutes() []Vector {
	in := func(target, host string) string { return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n" }
	return []Vector{
		pass("as such", in("http://a.example/b", "a.example"), get("/b")),
		pass("without a path", in("http://a.example", "a.example"), get("/")),
		pass("with a query alone", in("http://a.example?b", "a.example"), get("/?b")),
		pass("scheme in upper case", in("HTTP://a.example/", "a.example"), get("/")),
		pass("https", in("https://a.example/", "a.example"), get("/")),
		pass("host in another case", in("http://A.Example/", "a.example"), get("/")),
		pass("with a port", in("http://a.example:81/", "a.example:81"), Request{"GET", "/", "a.example:81", ""}),
		pass("path to be normalised", in("http://a.example/b/../%63", "a.example"), get("/c")),
		pass("two slashes", in("http://a.example//b", "a.example"), get("/b")),
		pass("IPv6", in("http://[::1]/", "[::1]"), Request{"GET", "/", "[::1]", ""}),
		refuse("other host", in("http://b.example/", "a.example")),
		refuse("other port", in("http://a.example:81/", "a.example")),
		refuse("empty authority", in("http:///b", "a.example")),
		refuse("empty authority and host", in("http:///b", "")),
		refuse("nothing behind", in("http://", "a.example")),
		refuse("one slash", in("http:/a.example/", "a.example")),
		refuse("no slash", in("http:a.example", "a.example")),
		refuse("other scheme", in("ftp://a.example/", "a.example")),
		refuse("file", in("file:///etc/passwd", "a.example")),
		refuse("scheme alone", in("http", "a.example")),
		refuse("websocket", in("ws://a.example/", "a.example")),
		refuse("userinfo", in("http://u@a.example/", "u@a.example")),
		refuse("userinfo with another host", in("http://a.example@b.example/", "a.example")),
		refuse("userinfo against the host", in("http://u:p@a.example/", "a.example")),
		refuse("backslashes", in("http:\\\\a.example\\", "a.example")),
		refuse("backslash behind the host", in("http://a.example\\/b", "a.example")),
		refuse("fragment", in("http://a.example/#b", "a.example")),
		refuse("fragment behind the host", in("http://a.example#b", "a.example")),
		refuse("host in percent-encoding", in("http://%61.example/", "a.example")),
		refuse("out of the root", in("http://a.example/../b", "a.example")),
		refuse("scheme-relative in absolute-form's place", in("http:////b", "a.example")),
		refuse("no Host field", "GET http://a.example/ HTTP/1.1\r\n\r\n"),
		refuse("two Host fields", "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n"),
		refuse("CONNECT", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"),
		refuse("CONNECT in origin-form", "CONNECT / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
		refuse("CONNECT in absolute-form", "CONNECT http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"),
	}
}

// hosts are values of the Host field (RFC 9110, section 7.2). A name travels on
// in lower case; it is one that DNS could have, or an IP address.
func hosts() []Vector {
	in := func(host string) string { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n" }
	var vectors []Vector
	for _, h := range []struct{ in, want string }{
		{"a", "a"}, {"a.example", "a.example"}, {"A.EXAMPLE", "a.example"}, {"a.example:80", "a.example:80"}, {"a.example:65535", "a.example:65535"}, {"a.example:0", "a.example:0"}, {"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"a-b.example", "a-b.example"}, {"a_b.example", "a_b.example"}, {"127.0.0.1", "127.0.0.1"}, {"127.0.0.1:8080", "127.0.0.1:8080"}, {"[::1]", "[::1]"}, {"[::1]:80", "[::1]:80"}, {"[2001:DB8::1]", "[2001:db8::1]"}, {" \ta.example \t", "a.example"},
	} {
		vectors = append(vectors, pass(named("%q", h.in), in(h.in), Request{"GET", "/", h.want, ""}))
	}
	for _, h := range []string{
		"", " ", ".", "..", ".a.example", "a..example", "a.example..", ":80", ":", "a.example:x", "a.example:-1", "a.example:+80", "a.example:65536", "a.example:080000", "a.example:80:80", "a.example:80 ,b.example", "a.example, b.example", "a.example b.example", "a.example\tb", "a.example/b", "a.example?b", "a.example#b",
		"http://a.example", "u@a.example", "a.example@b.example", "a.example\\b", "a.example\x00", "a.example\x0b", "a.example\x7f", "\xe4.example", "bücher.example", "a%2eexample", "%61.example", "a.example%00", "a.example;b", "a.example'", "a.example\"", "(a.example)", "a.example=b", "a!b", "a$b", "a&b", "a*b", "*.example", "a+b", "a~b", "a,b", "<a>", "{a}", "a|b", "a`b", "a^b",
		"[::1", "::1]", "::1", "[::1]x", "[::1]:x", "[::1%25eth0]", "[fe80::1%eth0]", "[v1.a]", "[127.0.0.1]", "[]", "[:]", "[a.example]", "[::1][::1]", "[[::1]]",
		strings.Repeat("a.", 130) + "example",
	} {
		vectors = append(vectors, refuse(named("%.60q", h), in(h)))
	}
	return append(vectors,
		pass("empty port, which is the default one", in("a.example:"), get("/")),
		pass("empty port of an address", in("[::1]:"), Request{"GET", "/", "[::1]", ""}),
		pass("final dot", in("a.example."), get("/")),
		pass("name of the field in another case", "GET / HTTP/1.1\r\nhOsT: a.example\r\n\r\n", get("/")),
		refuse("none", "GET / HTTP/1.1\r\n\r\n"),
		refuse("none but an alias", "GET / HTTP/1.1\r\nHo_st: a.example\r\n\r\n"),
		refuse("two equal", "GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n"),
		refuse("two different", "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n"),
		refuse("two, one empty", "GET / HTTP/1.1\r\nHost: a.example\r\nHost:\r\n\r\n"),
		refuse("two in different case", "GET / HTTP/1.1\r\nHost: a.example\r\nhOST: b.example\r\n\r\n"),
		refuse("space before the colon", "GET / HTTP/1.1\r\nHost : a.example\r\n\r\n"),
		refuse("space in front", "GET / HTTP/1.1\r\n Host: a.example\r\n\r\n"),
		refuse("two, one behind a space", "GET / HTTP/1.1\r\nHost: a.example\r\n Host: b.example\r\n\r\n"),
		refuse("folded", "GET / HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n"),
	)
}
