package http2

import (
	"github.com/fleetgate/fleetgate/test/internal/target"
	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// forward is a message that arrives exactly once, in the form of HTTP/1.1.
type forward struct {
	name string
	message
	line string
	// fields are those with their values joined by "|"; an absent one is "".
	fields  map[string]string
	body    string
	trailer string
}

const getLine = "GET /case HTTP/1.1"

var forwards = []forward{
	{name: "authority becomes Host", message: get(), line: getLine},
	{name: "host in place of an authority", line: getLine, message: message{
		fields: append(without(":authority").fields, wire.Fields("host", target.HostA)...)}},
	{name: "host that is the authority", line: getLine, message: get("host", target.HostA)},
	{name: "query stays as it is", message: with(":path", "/case?a=b&c=%2F%3f"), line: "GET /case?a=b&c=%2F%3f HTTP/1.1"},
	{name: "asterisk of OPTIONS", line: "OPTIONS * HTTP/1.1", message: raw(
		":method", "OPTIONS", ":scheme", "http", ":authority", target.HostA, ":path", "*")},
	{name: "cookie crumbs are joined", message: get("cookie", "a=1", "accept", "*/*", "cookie", "b=2"), line: getLine,
		fields: map[string]string{"cookie": "a=1; b=2"}},
	{name: "te of trailers", message: get("te", "trailers"), line: getLine, fields: map[string]string{"te": "trailers"}},
	{name: "fields of one name stay apart or in order", message: get("x-one", "a", "x-two", "b"), line: getLine,
		fields: map[string]string{"x-one": "a", "x-two": "b"}},
	{name: "empty value", message: get("x-empty", ""), line: getLine, fields: map[string]string{"x-empty": ""}},
	{name: "length is kept", message: post([]string{"123", "45"}, "content-length", "5"), line: "POST /case HTTP/1.1",
		fields: map[string]string{"content-length": "5"}, body: "12345"},
	{name: "length of zero is kept", line: "POST /case HTTP/1.1", fields: map[string]string{"content-length": "0"},
		message: message{fields: wire.Request("POST", target.HostA, "/case", "content-length", "0")}},
	{name: "body without a length", message: post([]string{"123", "", "45"}), line: "POST /case HTTP/1.1", body: "12345"},
	{name: "body that looks like a request", message: post([]string{"0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"}),
		line: "POST /case HTTP/1.1", body: "0\r\n\r\nGET /x HTTP/1.1\r\n\r\n"},
	{name: "trailers", message: trailed("x-checksum", "abc"), line: "POST /case HTTP/1.1", body: "12345", trailer: "abc"},
	{name: "trailers that would be framing, routing or rights are left out",
		message: trailed("x-checksum", "abc", "content-length", "1", "host", "other.example", "authorization", "x"),
		line:    "POST /case HTTP/1.1", body: "12345", trailer: "abc"},
	{name: "method in lower case", message: with(":method", "get"), line: "get /case HTTP/1.1"},
}
