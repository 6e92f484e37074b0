package exchange

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 6455 wants it, as a check against mistakes.
	"encoding/base64"
	"encoding/binary"

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
	i := bytes.Index(head, []byte(keyField))
	if i < 0 {
		// The client has sent a key of its own in another spelling.
		return true
	}
	key, _, _ := bytes.Cut(head[i+len(keyField):], []byte("\r"))
	sum := sha1.Sum(append(bytes.Clone(key), acceptGUID...)) //nolint:gosec // see above
	var want [28]byte
	base64.StdEncoding.Encode(want[:], sum[:])
	got, _ := r.Value(acceptField)
	return bytes.Equal(got, want[:])
}
