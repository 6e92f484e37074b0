package extauth

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"
	"unicode/utf8"

	"github.com/fleetgate/fleetgate/proxy/internal/filter"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// AppendHead appends the head of a question by HTTP, up to what the proxy itself
// says of the client and of the body. The method, path and host are the
// client's.
func AppendHead(out []byte, a *filter.ExternalAuth, r *h1.Request) []byte {
	out = append(append(out, r.Method...), ' ')
	out = append(out, a.PathPrefix...)
	out = appendPath(out, r)
	out = append(out, " HTTP/1.1\r\nHost: "...)
	out = append(append(append(out, r.Name...), r.Port...), "\r\n"...)
	return r.AppendFields(out, a)
}

func appendPath(out []byte, r *h1.Request) []byte {
	out = append(out, r.Path...)
	if r.HasQuery {
		out = append(append(out, '?'), r.Query...)
	}
	return out
}

// Facts are what a CheckRequest says beside what stands in the request's head.
type Facts struct {
	Client     netip.AddrPort
	Time       time.Time
	ServerName []byte
}

// AppendAttributes appends the fields of an AttributeContext.HttpRequest that
// stand in a request's head: all but its size and body. Extra are field lines
// that the proxy adds.
func AppendAttributes(out []byte, a *filter.ExternalAuth, r *h1.Request, id []byte, scheme, protocol string, extra []byte) []byte {
	path := appendPath(nil, r)
	host := append(append([]byte(nil), r.Name...), r.Port...)
	out = appendBytes(out, 1, id)
	out = appendBytes(out, 2, r.Method)
	out = appendHeaders(out, a, r)
	for line := range bytes.Lines(extra) {
		name, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\r\n")), []byte(": "))
		out = appendHeader(out, bytes.ToLower(name), value)
	}
	if !a.Drops([]byte(":path")) {
		out = appendHeader(out, []byte(":method"), r.Method)
		out = appendHeader(out, []byte(":path"), path)
		out = appendHeader(out, []byte(":authority"), host)
		out = appendHeader(out, []byte(":scheme"), []byte(scheme))
	}
	out = appendBytes(out, 4, path)
	out = appendBytes(out, 5, host)
	out = appendBytes(out, 6, scheme)
	return appendBytes(out, 10, protocol)
}

// appendHeaders appends the map of the fields, in which the ones of a name are
// joined.
func appendHeaders(out []byte, a *filter.ExternalAuth, r *h1.Request) []byte {
	var seen [][]byte
	for name := range r.Fields(a) {
		lower := bytes.ToLower(name)
		if containsName(seen, lower) {
			continue
		}
		seen = append(seen, lower)
		value, _ := r.Value(string(lower))
		out = appendHeader(out, lower, value)
	}
	return out
}

// appendHeader appends an entry of the map. Text of protobuf is UTF-8.
func appendHeader(out, name, value []byte) []byte {
	value = bytes.ToValidUTF8(value, []byte("\ufffd"))
	out = appendTag(out, 3, lengthy)
	out = binary.AppendUvarint(out, uint64(sizeBytes(len(name))+sizeBytes(len(value))))
	return appendBytes(appendBytes(out, 1, name), 2, value)
}

// AppendCheck appends a CheckRequest in the frame of a gRPC message, with what
// AppendAttributes has made. Size is the length of the request's body, or -1; body
// is what is shown of it.
func AppendCheck(out, attributes []byte, f *Facts, size int64, body []byte) []byte {
	request := append([]byte(nil), attributes...)
	request = appendVarint(request, 9, uint64(size))
	switch {
	case len(body) == 0:
	case utf8.Valid(body):
		request = appendBytes(request, 11, body)
	default:
		request = appendBytes(request, 12, body)
	}
	timed := appendBytes(nil, 1, timestamp(f.Time))
	timed = appendBytes(timed, 2, request)
	context := appendBytes(nil, 1, peer(f.Client))
	context = appendBytes(context, 4, timed)
	if len(f.ServerName) > 0 {
		context = appendBytes(context, 12, appendBytes(nil, 1, f.ServerName))
	}
	out = append(out, 0)
	n := sizeBytes(len(context))
	out = binary.BigEndian.AppendUint32(out, uint32(n))
	return appendBytes(out, 1, context)
}

func timestamp(t time.Time) []byte {
	return appendVarint(appendVarint(nil, 1, uint64(t.Unix())), 2, uint64(t.Nanosecond()))
}

// peer is an AttributeContext.Peer of an address.
func peer(addr netip.AddrPort) []byte {
	socket := appendBytes(nil, 2, addr.Addr().String())
	socket = appendVarint(socket, 3, uint64(addr.Port()))
	return appendBytes(nil, 1, appendBytes(nil, 1, socket))
}

func containsName(names [][]byte, name []byte) bool {
	for _, n := range names {
		if bytes.Equal(n, name) {
			return true
		}
	}
	return false
}
