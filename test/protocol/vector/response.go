package vector

import "strings"

// Response is what a hostile or careless backend answers a GET (or the method
// that is named) with, before it ends the connection unless it Stays.
type Response struct {
	Name, Method, In string
	Verdict          Verdict
	// Status and Body are what the client must get where the response passes.
	Status int
	Body   string
	Stays  bool
}

// Responses are answers of backends with what must become of each. Pass: the
// client gets Status and Body. Refuse: it gets a 502 and nothing of the answer.
// Break: the answer had begun to travel, and must not look whole.
func Responses() []Response {
	const ok = "HTTP/1.1 200 OK\r\n"
	fine := func(name, in string, status int, body string) Response {
		return Response{Name: name, In: in, Status: status, Body: body}
	}
	bad := func(name, in string) Response { return Response{Name: name, In: in, Verdict: Refuse, Status: 502} }
	cut := func(name, in string) Response { return Response{Name: name, In: in, Verdict: Break} }
	all := []Response{
		fine("length", ok+"Content-Length: 2\r\n\r\nab", 200, "ab"),
		fine("chunks", ok+chunk+"\r\n2\r\nab\r\n0\r\n\r\n", 200, "ab"),
		fine("chunks with a trailer", ok+chunk+"\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n", 200, "ab"),
		fine("chunks with extensions", ok+chunk+"\r\n2;a=b\r\nab\r\n0;c\r\n\r\n", 200, "ab"),
		fine("to the end of the connection", ok+"\r\nab", 200, "ab"),
		fine("no body at all", ok+"\r\n", 200, ""),
		fine("HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nab", 200, "ab"),
		fine("HTTP/1.0 with a length", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, "ab"),
		fine("no reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, ""),
		fine("no space behind the status", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, ""),
		fine("unknown status", "HTTP/1.1 299 X\r\nContent-Length: 0\r\n\r\n", 299, ""),
		fine("204", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
		fine("204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, ""),
		fine("204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, ""),
		fine("204 with chunks", "HTTP/1.1 204 No Content\r\n"+chunk+"\r\n5\r\nhello\r\n0\r\n\r\n", 204, ""),
		fine("304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""),
		fine("304 with a body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", 304, ""),
		fine("more than was announced", ok+"Content-Length: 2\r\n\r\nabc", 200, "ab"),
		fine("another response behind", ok+"Content-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", 200, "ab"),
		fine("another response behind chunks", ok+chunk+"\r\n2\r\nab\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", 200, "ab"),
		fine("another response behind 204", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", 204, ""),
		fine("100 first", "HTTP/1.1 100 Continue\r\n\r\n"+ok+"Content-Length: 2\r\n\r\nab", 200, "ab"),
		fine("103 first", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"+ok+"Content-Length: 2\r\n\r\nab", 200, "ab"),
		fine("three interim ones first", strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 3)+ok+"Content-Length: 2\r\n\r\nab", 200, "ab"),
		fine("any bytes in a value", ok+"X: \xff\xe4\r\nContent-Length: 0\r\n\r\n", 200, ""),
		fine("fields of the connection", ok+"Connection: close, X-Gone\r\nX-Gone: 1\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n", 200, ""),
		fine("upgrade that is only named", ok+"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n", 200, ""),
		bad("nothing", ""),
		bad("garbage", "garbage\r\n\r\n"),
		bad("head that ends early", ok+"Content-Le"),
		bad("another protocol", "SSH-2.0-x\r\n"),
		bad("HTTP/2", "HTTP/2.0 200 OK\r\n\r\n"),
		bad("HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"),
		bad("lower case", "http/1.1 200 OK\r\n\r\n"),
		bad("switch that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
		bad("interim ones without end", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 2000)),
		bad("interim ones alone", "HTTP/1.1 100 Continue\r\n\r\n"),
		bad("length and coding", ok+"Content-Length: 5\r\n"+chunk+"\r\n0\r\n\r\n"),
		bad("two lengths", ok+"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"),
		bad("the same length twice", ok+"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"),
		bad("coding with HTTP/1.0", "HTTP/1.0 200 OK\r\n"+chunk+"\r\n0\r\n\r\n"),
		bad("head that is too large", ok+"X: "+strings.Repeat("x", 20<<20)),
		bad("too many fields", ok+strings.Repeat("X: y\r\n", 5000)+"\r\n"),
		bad("bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nab"),
		bad("first chunk that is bad", ok+chunk+"\r\nx\r\n"),
		cut("body that ends early", ok+"Content-Length: 5\r\n\r\nab"),
		cut("chunk that ends early", ok+chunk+"\r\n5\r\nab"),
		cut("no last chunk", ok+chunk+"\r\n2\r\nab\r\n"),
		cut("chunks that turn bad", ok+chunk+"\r\n2\r\nab\r\nx\r\n"),
		cut("chunk that is too long", ok+chunk+"\r\n2\r\nabc\r\n0\r\n\r\n"),
		bad("chunk with a bare LF", ok+chunk+"\r\n2\nab\n0\n\n"),
		cut("trailer that is no field", ok+chunk+"\r\n2\r\nab\r\n0\r\nX\r\n\r\n"),
	}
	for _, status := range []string{"", "2", "20", "2000", "099", "600", "999", "-20", "+20", "2 0", "2OO", "200x", "0x1", " 200"} {
		all = append(all, bad(named("status %q", status), "HTTP/1.1 "+status+" OK\r\nContent-Length: 0\r\n\r\n"))
	}
	for _, value := range []string{"", "+2", "-2", "0x2", "2,2", "2, 2", "2 2", "2.0", "two", "18446744073709551618", "2\x0b"} {
		all = append(all, bad(named("length %q", value), ok+"Content-Length: "+value+"\r\n\r\nab"))
	}
	for _, value := range []string{"", "gzip", "identity", "gzip, chunked", "chunked, chunked", "xchunked", "chunked;a=b", "\x0bchunked"} {
		all = append(all, bad(named("coding %q", value), ok+"Transfer-Encoding: "+value+"\r\n\r\n0\r\n\r\n"))
	}
	for _, line := range []string{"X", ": y", "X : y", " X: y", "X y: z", "X: \x00", "X: a\rb", "X: a\nb", "X: a\r\n b", "X: \x7f", "Content-Length : 2", "Set-Cookie: a\nb: c", "X: y\r\n\tz", "Transfer-Encoding\x00: chunked"} {
		all = append(all, bad(named("line %q", line), ok+line+"\r\n\r\n"))
	}
	return append(all, headResponses()...)
}

// headResponses answer HEAD, which has no body whatever the fields say.
func headResponses() (all []Response) {
	for _, r := range []Response{
		{Name: "length", In: "Content-Length: 5\r\n\r\n", Stays: true},
		{Name: "chunks", In: chunk + "\r\n", Stays: true},
		{Name: "a body all the same", In: "Content-Length: 5\r\n\r\nhello"},
		{Name: "chunks all the same", In: chunk + "\r\n5\r\nhello\r\n0\r\n\r\n"},
		{Name: "another response behind", In: "Content-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", Stays: true},
	} {
		r.Name, r.Method, r.In, r.Status = "HEAD with "+r.Name, "HEAD", "HTTP/1.1 200 OK\r\n"+r.In, 200
		all = append(all, r)
	}
	return all
}
