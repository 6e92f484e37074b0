package exchange

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 6455 wants it, as a check against mistakes.
	"encoding/base64"
	"encoding/binary"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

const (
	keyField    = "Sec-WebSocket-Key: "
	acceptField = "sec-websocket-accept"
	// acceptGUID is what a server of a WebSocket adds to the key (RFC 6455,
	// section 1.3).
	acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

// appendKey appends the field by which a WebSocket's client shows to be one
// (RFC 6455, section 4.1).
func (l *Loop) appendKey(out []byte) []byte {
	var key [16]byte
	binary.LittleEndian.PutUint64(key[:8], l.ids.Uint64())
	binary.LittleEndian.PutUint64(key[8:], l.ids.Uint64())
	out = base64.StdEncoding.AppendEncode(append(out, keyField...), key[:])
	return append(out, "\r\n"...)
}

// accepts reports whether a backend has understood that it is asked for a
// WebSocket. By HTTP/2 the client does not see what it could check that by, so
// that the proxy does.
func (x *exchange) accepts(r *h1.Response) bool {
	head := x.buf[x.message:x.body]
	// No value has a line's end in it, so that none passes for the field.
	_, key, found := bytes.Cut(head, []byte("\r\n"+keyField))
	if !found {
		// The client has sent a key of its own in another spelling.
		return true
	}
	key, _, _ = bytes.Cut(key, []byte("\r"))
	got, _ := r.Value(acceptField)
	return bytes.Equal(got, appendAccept(nil, key))
}

// appendAccept appends the answer to a key (RFC 6455, section 4.2.2).
func appendAccept(out, key []byte) []byte {
	sum := sha1.Sum(append(bytes.Clone(key), acceptGUID...)) //nolint:gosec // see above
	return base64.StdEncoding.AppendEncode(out, sum[:])
}

var (
	methodConnect     = []byte("CONNECT")
	protocolWebSocket = []byte("websocket")
)

// wantsWebSocket reports whether a request by HTTP/1.1 that asks for an upgrade
// is a WebSocket's handshake (RFC 6455, section 4.1), which an HTTP/2 backend is
// asked for by extended CONNECT. Of any other upgrade such a backend hears
// nothing, and answers a plain request (RFC 9110, section 7.8).
func (x *exchange) wantsWebSocket(r *h1.Request) bool {
	return string(r.Method) == "GET" && x.key.end > x.key.start && h1.EqualFold(r.First(h1.Upgrade), "websocket")
}

// cannotBootstrap answers a request for a WebSocket whose backend speaks HTTP/2
// and has not said that it takes extended CONNECT (RFC 8441, section 3): 502, for
// it is the server behind that cannot do its part, and a plain request in its
// place would be answered by what the client did not ask for. It is no failure
// of the endpoint. The upstream has let go of the exchange.
func (x *exchange) cannotBootstrap() {
	x.flags |= flagUpstreamFailed
	x.settle(balance.Abandoned)
	x.fail(502)
}

// isHandshakeField reports whether a field is one of a handshake that HTTP/2 has
// no use for (RFC 8441, section 5), nor CONNECT for a length.
func isHandshakeField(name []byte) bool {
	return h1.EqualFold(name, "sec-websocket-key") || h1.EqualFold(name, acceptField) || h1.KindOf(name) == h1.ContentLength
}

// acceptDropper leaves out what a backend says of a key that it was not sent.
type acceptDropper struct{ h1.Dropper }

// Drops implements h1.Dropper.
func (d acceptDropper) Drops(name []byte) bool {
	return h1.EqualFold(name, acceptField) || d.Dropper.Drops(name)
}
