package vector

import "strings"

// connections are fields that belong to one connection (RFC 9110, section 7.6.1),
// and tokens of Connection that name fields. They strip what they name in any
// case, and can never strip what the proxy says itself: an address of the client,
// the host, the framing.
func connections() []Vector {
	gone := func(name, lines string, gone ...string) Vector {
		v := pass(name, with(lines), get("/"))
		v.Gone = append(gone, "connection", "keep-alive", "proxy-connection", "te", "upgrade")
		v.Kept = []string{"Host: a.example", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: a.example", "X-Forwarded-Proto: http"}
		return v
	}
	vectors := []Vector{
		gone("close", "Connection: close\r\n"),
		gone("keep-alive", "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n"),
		gone("named field", "Connection: X-Gone\r\nX-Gone: 1\r\n", "x-gone"),
		gone("named field in another case", "cOnNeCtIoN: x-GONE\r\nX-Gone: 1\r\n", "x-gone"),
		gone("named field twice", "Connection: x-gone, X-Gone\r\nX-Gone: 1\r\nX-GONE: 2\r\n", "x-gone"),
		gone("two Connection fields", "Connection: x-a\r\nConnection: x-b\r\nX-A: 1\r\nX-B: 2\r\n", "x-a", "x-b"),
		gone("named before it comes", "X-Gone: 1\r\nConnection: X-Gone\r\nX-Gone: 2\r\n", "x-gone"),
		gone("empty items", "Connection: ,, , x-gone ,,\r\nX-Gone: 1\r\n", "x-gone"),
		gone("proxy connection", "Proxy-Connection: keep-alive\r\n"),
		gone("TE that is no trailers", "TE: gzip\r\nConnection: TE\r\n"),
		gone("upgrade that nobody asked for", "Upgrade: h2c\r\n"),
		gone("upgrade to h2c", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", "http2-settings"),
		gone("proxy credentials", "Proxy-Authorization: Basic eDp5\r\nProxy-Authenticate: x\r\n", "proxy-authorization", "proxy-authenticate"),
		gone("httpoxy", "Proxy: http://b.example\r\n", "proxy"),
		gone("names without a field", "Connection: x-nothing, x-none\r\n"),
		refuse("malformed token", with("Connection: x gone\r\n")),
		refuse("token in quotes", with("Connection: \"close\"\r\n")),
		refuse("token with a control character", with("Connection: close\x01\r\n")),
		refuse("more tokens than anyone needs", with("Connection: "+strings.Repeat("a, ", 200)+"b\r\n")),
	}
	for _, name := range []string{
		"Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id", "Via", "Content-Type", "Date", "Cookie",
	} {
		for _, spelling := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			vectors = append(vectors, gone("names "+spelling, "Connection: close, "+spelling+"\r\nX-Forwarded-For: 9.9.9.9\r\n"))
		}
	}
	for _, name := range []string{"Content-Length", "content-length", "CONTENT-LENGTH"} {
		vectors = append(vectors, pass("names "+name, posted("Connection: "+name+"\r\nContent-Length: 3\r\n", "abc"), post("/", "abc")))
	}
	for _, name := range []string{"Transfer-Encoding", "transfer-encoding", "TRANSFER-ENCODING", "Trailer"} {
		vectors = append(vectors, pass("names "+name, posted("Connection: "+name+"\r\n"+chunk, "3\r\nabc\r\n0\r\n\r\n"), post("/", "abc")))
	}
	return vectors
}

// forwardedFields are what a client says of who it is: none of it reaches a
// backend unless the client is trusted, which nobody is by default.
func forwardedFields() []Vector {
	var vectors []Vector
	for _, line := range []string{
		"X-Forwarded-For: 9.9.9.9", "x-forwarded-for: 9.9.9.9", "X-FORWARDED-FOR: 9.9.9.9", "X_Forwarded_For: 9.9.9.9", "X-Forwarded_For: 9.9.9.9", "X-Forwarded-For:9.9.9.9", "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8", "X-Forwarded-For:",
		"X-Forwarded-Proto: https", "X_FORWARDED_PROTO: https", "X-Forwarded-Host: b.example", "X_Forwarded-Host: b.example", "X-Forwarded-Port: 443", "X-Forwarded-Server: b", "X-Forwarded-Prefix: /admin", "X-Forwarded-Ssl: on", "X-Forwarded-User: root", "X-Forwarded-Client-Cert: x", "X-Forwarded-Tls-Client-Cert: x", "X-Forwarded-Anything: x",
		"Forwarded: for=9.9.9.9;proto=https", "FORWARDED: for=9.9.9.9", "X-Real-Ip: 9.9.9.9", "X-Real-IP: 9.9.9.9", "X_Real_Ip: 9.9.9.9", "x-real-ip: 9.9.9.9",
		"Connection: X-Forwarded-For\r\nX-Forwarded-For: 9.9.9.9", "Connection: x-real-ip\r\nX-Real-Ip: 9.9.9.9",
	} {
		v := pass(named("%q", line), with(line+"\r\n"), get("/"))
		v.Kept = []string{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: a.example", "X-Forwarded-Proto: http"}
		v.Gone = []string{
			"forwarded", "x-real-ip", "x-forwarded-port", "x-forwarded-server", "x-forwarded-prefix", "x-forwarded-ssl", "x-forwarded-user", "x-forwarded-client-cert", "x-forwarded-tls-client-cert", "x-forwarded-anything",
			"x_forwarded_for", "x-forwarded_for", "x_forwarded_proto", "x_forwarded-host", "x_real_ip",
		}
		vectors = append(vectors, v)
	}
	return vectors
}

// expectations are requests that wait to be asked for their body (RFC 9110,
// section 10.1.1).
func expectations() []Vector {
	return []Vector{
		pass("body at once", posted("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc"), post("/", "abc")),
		pass("chunks at once", posted("Expect: 100-continue\r\n"+chunk, "3\r\nabc\r\n0\r\n\r\n"), post("/", "abc")),
		pass("in another case", posted("expect: 100-CONTINUE\r\nContent-Length: 3\r\n", "abc"), post("/", "abc")),
		pass("without a body", with("Expect: 100-continue\r\n"), get("/")),
		pass("named by Connection", posted("Expect: 100-continue\r\nConnection: Expect\r\nContent-Length: 3\r\n", "abc"), post("/", "abc")),
		pass("of HTTP/1.0", "POST / HTTP/1.0\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", post("/", "abc")),
		refuse("something else", with("Expect: 200-ok\r\n")),
		refuse("with a parameter", with("Expect: 100-continue;a=b\r\n")),
		refuse("a list", with("Expect: 100-continue, 100-continue\r\n")),
		refuse("twice and different", with("Expect: 100-continue\r\nExpect: x\r\n")),
		refuse("twice", with("Expect: 100-continue\r\nExpect: 100-continue\r\n")),
	}
}

// sequences are several requests on one connection.
func sequences() []Vector {
	smuggled := "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"
	one, two := line("/1"), line("/2")
	abandon := func(name, in string, want ...Request) Vector {
		return Vector{Name: name, In: in, Verdict: Refuse, Want: want}
	}
	return []Vector{
		pass("two", one+two, get("/1"), get("/2")),
		pass("thirty", strings.Repeat(one, 30), repeat(get("/1"), 30)...),
		pass("body before a request", posted("Content-Length: 3\r\n", "abc")+two, post("/", "abc"), get("/2")),
		pass("chunks before a request", chunked("1\r\na\r\n0\r\n\r\n")+two, post("/", "a"), get("/2")),
		pass("body of a GET before a request", with("Content-Length: 2\r\n")+"hi"+two, Request{"GET", "/", host, "hi"}, get("/2")),
		pass("HEAD between", one+"HEAD /h HTTP/1.1\r\nHost: a.example\r\n\r\n"+two, get("/1"), Request{"HEAD", "/h", host, ""}, get("/2")),
		pass("empty line between", one+"\r\n"+two, get("/1"), get("/2")),
		pass("close ends it", "GET /1 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"+smuggled, get("/1")),
		pass("close among others", "GET /1 HTTP/1.1\r\nHost: a.example\r\nConnection: x, CLOSE\r\n\r\n"+smuggled, get("/1")),
		pass("HTTP/1.0 ends it", "GET /1 HTTP/1.0\r\nHost: a.example\r\n\r\n"+smuggled, get("/1")),
		pass("HTTP/1.0 that stays", "GET /1 HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n"+two, get("/1"), get("/2")),
		abandon("garbage behind", one+"garbage\r\n\r\n", get("/1")),
		abandon("body that is longer than it says", posted("Content-Length: 3\r\n", "abcd\r\n\r\n"), post("/", "abc")),
		abandon("bytes behind the last chunk", chunked("1\r\na\r\n0\r\n\r\nx\r\n\r\n"), post("/", "a")),
		abandon("two lengths in the second", one+posted("Content-Length: 1\r\nContent-Length: 2\r\n", "ab")+smuggled, get("/1")),
		abandon("length and coding in the second", one+posted(chunk+"Content-Length: 4\r\n", "0\r\n\r\n")+smuggled, get("/1")),
		abandon("lines of LF in the second", one+"GET /2 HTTP/1.1\nHost: a.example\n\n"+smuggled, get("/1")),
		abandon("upgrade with a body behind", one+"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", get("/1")),
	}
}

func repeat(r Request, n int) (all []Request) {
	for range n {
		all = append(all, r)
	}
	return all
}
