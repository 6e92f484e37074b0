package http2

import (
	"golang.org/x/net/http2/hpack"

	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// refusal is a message of which nothing may be forwarded.
type refusal struct {
	name string
	message
	// streamed says that the message is wrong from its body on.
	streamed bool
	// or are statuses that say as much as 400 does.
	or []string
}

// refusals are the malformed requests of RFC 9113, section 8, and those that
// HTTP/1.1 would understand in another way than HTTP/2 does.
var refusals = concat(
	pseudoRefusals, targetRefusals, fieldRefusals, lengthRefusals, connectRefusals, trailerRefusals)

func concat(parts ...[]refusal) (all []refusal) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// get is a sound request with more fields.
func get(pairs ...string) message {
	return message{fields: wire.Request("GET", target.HostA, "/case", pairs...)}
}

// post is one with a body of the parts, whatever the fields say.
func post(parts []string, pairs ...string) message {
	return message{fields: wire.Request("POST", target.HostA, "/case", pairs...), data: parts}
}

// raw is a header block of just these fields.
func raw(pairs ...string) message { return message{fields: wire.Fields(pairs...)} }

// with is a sound request in which one pseudo-header field has another value.
func with(name, value string) message {
	m := get()
	for i := range m.fields {
		if m.fields[i].Name == name {
			m.fields[i].Value = value
		}
	}
	return m
}

// without is one that lacks a pseudo-header field.
func without(name string) message {
	var m message
	for _, f := range get().fields {
		if f.Name != name {
			m.fields = append(m.fields, f)
		}
	}
	return m
}

// first is a sound request with a field before all others, last one with a
// field after an ordinary one.
func first(name, value string) message {
	m := get()
	m.fields = append([]hpack.HeaderField{{Name: name, Value: value}}, m.fields...)
	return m
}

func last(name, value string) message { return get("accept", "*/*", name, value) }

var pseudoRefusals = []refusal{
	{name: "no method", message: without(":method")},
	{name: "no path", message: without(":path")},
	{name: "no scheme", message: without(":scheme")},
	{name: "no authority and no host", message: without(":authority")},
	{name: "two methods", message: first(":method", "GET")},
	{name: "two paths", message: first(":path", "/case")},
	{name: "two schemes", message: first(":scheme", "http")},
	{name: "two authorities", message: first(":authority", target.HostA)},
	{name: "unknown pseudo-header field", message: first(":version", "HTTP/1.1")},
	{name: "pseudo-header field of responses", message: first(":status", "200")},
	{name: "pseudo-header field after others", message: raw(
		":method", "GET", ":scheme", "http", ":authority", target.HostA, "accept", "*/*", ":path", "/case")},
	{name: "second path after others", message: last(":path", "/other")},
	{name: "method with a space", message: with(":method", "GET /x HTTP/1.1")},
	{name: "method with a line break", message: with(":method", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET")},
	{name: "method with NUL", message: with(":method", "GE\x00T")},
	{name: "method that is no token", message: with(":method", "G(T")},
	{name: "empty method", message: with(":method", "")},
	{name: "scheme with a line break", message: with(":scheme", "http\r\nx: y")},
	{name: "scheme with a target", message: with(":scheme", "http://other.example/?")},
	{name: "scheme with NUL", message: with(":scheme", "ht\x00tp")},
	{name: "empty scheme", message: with(":scheme", "")},
}

var targetRefusals = []refusal{
	{name: "empty path", message: with(":path", "")},
	{name: "path without a slash", message: with(":path", "case")},
	{name: "asterisk without OPTIONS", message: with(":path", "*")},
	{name: "absolute form as path", message: with(":path", "http://other.example/")},
	{name: "path with a space", message: with(":path", "/case HTTP/1.1")},
	{name: "path with a tab", message: with(":path", "/case\tx")},
	{name: "path with a line break", message: with(":path", "/ HTTP/1.1\r\nHost: other.example\r\n\r\nGET /")},
	{name: "path with a bare line feed", message: with(":path", "/case\nx: y")},
	{name: "path with a bare carriage return", message: with(":path", "/case\rx")},
	{name: "path with NUL", message: with(":path", "/case\x00")},
	{name: "path with a fragment", message: with(":path", "/case#part")},
	{name: "authority with userinfo", message: with(":authority", "user@"+target.HostA)},
	{name: "authority with a path", message: with(":authority", target.HostA+"/x")},
	{name: "authority with a space", message: with(":authority", "a example")},
	{name: "authority with a line break", message: with(":authority", target.HostA+"\r\nx: y")},
	{name: "authority with NUL", message: with(":authority", target.HostA+"\x00")},
	{name: "authority with a port that is none", message: with(":authority", target.HostA+":8x")},
	{name: "authority with two ports", message: with(":authority", target.HostA+":80:80")},
	{name: "authority of two names", message: with(":authority", target.HostA+","+target.HostB)},
	{name: "empty authority", message: with(":authority", "")},
	{name: "host that is not the authority", message: get("host", "other.example")},
	{name: "two hosts", message: get("host", target.HostA, "host", target.HostA)},
	{name: "two hosts without an authority", message: message{
		fields: append(without(":authority").fields, wire.Fields("host", target.HostA, "host", target.HostB)...)}},
}

var fieldRefusals = []refusal{
	{name: "name in upper case", message: get("X-Upper", "y")},
	{name: "empty name", message: get("", "y")},
	{name: "name with a colon", message: get("x:y", "z")},
	{name: "name with a space", message: get("x y", "z")},
	{name: "name with a line break", message: get("x: y\r\nz", "z")},
	{name: "name with a bare line feed", message: get("x\ny", "z")},
	{name: "name with NUL", message: get("x\x00", "z")},
	{name: "name with DEL", message: get("x\x7f", "z")},
	{name: "name that is not ASCII", message: get("x\xe9", "z")},
	{name: "value with a line break", message: get("x", "y\r\ntransfer-encoding: chunked")},
	{name: "value with a bare line feed", message: get("x", "y\nz: 1")},
	{name: "value with a bare carriage return", message: get("x", "y\rz")},
	{name: "value with NUL", message: get("x", "y\x00z")},
	{name: "value that begins with a space", message: get("x", " y")},
	{name: "value that ends with a tab", message: get("x", "y\t")},
	{name: "cookie with a line break", message: get("cookie", "a=1\r\nx: y")},
	{name: "connection", message: get("connection", "close")},
	{name: "connection that names a field", message: get("connection", "x-secret", "x-secret", "1")},
	{name: "keep-alive", message: get("keep-alive", "timeout=5")},
	{name: "proxy-connection", message: get("proxy-connection", "keep-alive")},
	{name: "upgrade", message: get("upgrade", "websocket")},
	{name: "transfer-encoding", message: get("transfer-encoding", "chunked")},
	{name: "transfer-encoding with a body", message: post([]string{"0\r\n\r\n"}, "transfer-encoding", "chunked")},
	{name: "transfer-encoding that is identity", message: get("transfer-encoding", "identity")},
	{name: "Transfer-Encoding in other case", message: get("Transfer-Encoding", "chunked")},
	{name: "te that is not trailers", message: get("te", "gzip")},
	{name: "te that is trailers and more", message: get("te", "trailers, gzip")},
}

var lengthRefusals = []refusal{
	{name: "body shorter than its length", streamed: true, message: post([]string{"123"}, "content-length", "5")},
	{name: "body longer than its length", streamed: true, message: post([]string{"123", "45678"}, "content-length", "5")},
	{name: "body that goes on past its length", streamed: true, message: post([]string{"12345", "678"}, "content-length", "5")},
	{name: "body that goes on past its length with another request", streamed: true,
		message: post([]string{"12345", "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n"}, "content-length", "5")},
	{name: "trailers of a body that is short of its length", streamed: true, message: message{
		fields: wire.Request("POST", target.HostA, "/case", "content-length", "5"), data: []string{"123"}, trailers: wire.Fields("x", "y")}},
	{name: "no body for a length", message: message{fields: wire.Request("POST", target.HostA, "/case", "content-length", "5")}},
	{name: "body for a length of zero", streamed: true, message: post([]string{"GET /x HTTP/1.1\r\n\r\n"}, "content-length", "0")},
	{name: "two lengths", message: post([]string{"12345"}, "content-length", "5", "content-length", "6")},
	{name: "two lengths that agree", message: post([]string{"12345"}, "content-length", "5", "content-length", "5")},
	{name: "list of lengths", message: post([]string{"12345"}, "content-length", "5, 5")},
	{name: "length with a sign", message: post([]string{"12345"}, "content-length", "+5")},
	{name: "negative length", message: post([]string{"12345"}, "content-length", "-5")},
	{name: "length in hexadecimal", message: post([]string{"12345"}, "content-length", "0x5")},
	{name: "length with a space", message: post([]string{"12345"}, "content-length", "5 5")},
	{name: "empty length", message: post([]string{"12345"}, "content-length", "")},
	{name: "length beyond 64 bits", message: post([]string{"12345"}, "content-length", "18446744073709551621")},
}

var connectRefusals = []refusal{
	{name: "CONNECT", or: []string{"405", "501"}, message: raw(":method", "CONNECT", ":authority", target.HostA+":443")},
	{name: "CONNECT with a path", message: with(":method", "CONNECT"), or: []string{"405", "501"}},
	{name: "protocol without CONNECT", message: first(":protocol", "websocket")},
	{name: "extended CONNECT without a path", message: raw(
		":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":authority", target.HostA)},
	{name: "extended CONNECT to an unknown protocol", or: []string{"501"}, message: raw(
		":method", "CONNECT", ":protocol", "connect-ip", ":scheme", "http", ":authority", target.HostA, ":path", "/case")},
	{name: "extended CONNECT with a line break", message: raw(
		":method", "CONNECT", ":protocol", "websocket\r\nx: y", ":scheme", "http", ":authority", target.HostA, ":path", "/case")},
	{name: "two protocols", message: raw(":method", "CONNECT", ":protocol", "websocket", ":protocol", "websocket",
		":scheme", "http", ":authority", target.HostA, ":path", "/case")},
}

// trailed is a request with a body and trailers.
func trailed(pairs ...string) message {
	m := post([]string{"12345"})
	m.trailers = wire.Fields(pairs...)
	return m
}

var trailerRefusals = []refusal{
	{name: "pseudo-header field in trailers", streamed: true, message: trailed(":path", "/other")},
	{name: "trailer in upper case", streamed: true, message: trailed("X-Upper", "y")},
	{name: "trailer with a line break", streamed: true, message: trailed("x", "y\r\n\r\nGET / HTTP/1.1")},
	{name: "trailer name with a colon", streamed: true, message: trailed("x:y", "z")},
	{name: "connection in trailers", streamed: true, message: trailed("connection", "close")},
	{name: "transfer-encoding in trailers", streamed: true, message: trailed("transfer-encoding", "chunked")},
	{name: "trailers that do not end the stream", streamed: true, message: message{
		fields: wire.Request("POST", target.HostA, "/case"), data: []string{"12345"}, trailers: wire.Fields("x", "y"), open: true}},
}
