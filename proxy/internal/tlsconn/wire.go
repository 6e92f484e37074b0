package tlsconn

import (
	"encoding/binary"
	"net"
	"time"
)

// recordHeaderBytes is the length of a record's header (RFC 8446, section 5.1).
const recordHeaderBytes = 5

// wire is the net.Conn beneath crypto/tls. Its input is what the owner fed, its
// output the owner's buffer.
//
// It hands out the header and the body of one record apart, and never a byte of
// the next, so that crypto/tls holds nothing between two records: see
// returnRecord.
type wire struct {
	conn *Conn
	in   buffer
	// eof says that nothing follows what is in the buffer.
	eof bool

	header [recordHeaderBytes]byte
	// seen is how much of the header was handed out, left how much of the body
	// was not.
	seen int
	left int
	// records counts those that were handed out whole.
	records uint64
}

// Read is called by crypto/tls: in the coroutine of the handshake as long as
// there is one, then by the owner's Read.
func (w *wire) Read(p []byte) (int, error) {
	if h := w.conn.hand; h != nil {
		return h.read(w, p)
	}
	return w.take(p)
}

// take hands out what is there of the record's current part.
func (w *wire) take(p []byte) (int, error) {
	have := w.in.bytes()
	if len(have) == 0 {
		if w.eof {
			return 0, ErrTruncated
		}
		return 0, ErrWant
	}
	var n int
	if w.seen < recordHeaderBytes {
		n = copy(p, have[:min(len(have), recordHeaderBytes-w.seen)])
		copy(w.header[w.seen:], have[:n])
		w.passHeader(n)
	} else {
		n = copy(p, have[:min(len(have), w.left)])
		w.passBody(n)
	}
	w.in.drop(n)
	return n, nil
}

// betweenRecords says that no record was handed out in part.
func (w *wire) betweenRecords() bool { return w.seen == 0 }

func (w *wire) passHeader(n int) {
	w.seen += n
	if w.seen == recordHeaderBytes {
		w.left = int(binary.BigEndian.Uint16(w.header[3:]))
		w.passBody(0)
	}
}

func (w *wire) passBody(n int) {
	w.left -= n
	if w.left == 0 {
		w.seen = 0
		w.records++
	}
}

// Write never blocks and never fails: crypto/tls takes a failed write for the
// end of the connection.
func (w *wire) Write(p []byte) (int, error) {
	w.conn.out.append(p)
	if h := w.conn.hand; h != nil {
		h.flight = 0
	}
	return len(p), nil
}

// Close does nothing: there is no socket here. The deadlines are the owner's.
func (w *wire) Close() error                     { return nil }
func (w *wire) LocalAddr() net.Addr              { return nil }
func (w *wire) RemoteAddr() net.Addr             { return nil }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
