package tlsconn

import (
	"crypto/tls"
	"errors"
	"io"
)

const (
	// inputBytes is how much a connection takes in that nobody read yet.
	inputBytes = 64 << 10
	// answerBytes is how much output may wait that the peer's own messages
	// caused. An answer to a KeyUpdate is one of 27 bytes.
	answerBytes = 4 << 10
	// uselessRecords is how many records without data a peer has free, and
	// recordsPerUseless how many with data earn it one more. Session tickets and
	// KeyUpdates are the only ones that a good peer sends, the latter after
	// millions of records (RFC 8446, section 5.5).
	uselessRecords    = 64
	recordsPerUseless = 1024
)

// Conn is one TLS connection. All its methods are called by its owner, one at a
// time; none of them blocks. An owner that is locked to its thread (see
// runtime.LockOSThread) stays the same until the handshake has ended. A handshake
// that is not to go on must be discarded; else Discard only gives memory back
// early.
type Conn struct {
	tls  *tls.Conn
	wire wire
	// hand is nil once the handshake has ended.
	hand *handshake
	// err is why there is nothing more to read: io.EOF after close_notify.
	err error
	// failed says that err ended the handshake, so that nothing can be written
	// either.
	failed bool
	out    buffer

	// answers is the part of out that Read wrote.
	answers int
	// data and useless count records.
	data, useless uint64
}

// NewServer returns the server's side of a connection. Its handshake begins
// with the first bytes that are fed.
func NewServer(config *tls.Config) *Conn {
	c := newConn()
	c.hand.bounded = true
	c.tls = tls.Server(&c.wire, config)
	return c
}

// NewClient returns the client's side of a connection. The config must not allow
// renegotiation, which would be a handshake that nobody expects.
func NewClient(config *tls.Config) *Conn {
	if config.Renegotiation != tls.RenegotiateNever {
		panic("tlsconn: renegotiation is on")
	}
	c := newConn()
	c.tls = tls.Client(&c.wire, config)
	c.hand.due = true
	return c
}

func newConn() *Conn {
	c := &Conn{hand: &handshake{}}
	c.wire.conn = c
	return c
}

// Feed takes in ciphertext that arrived. It copies p.
func (c *Conn) Feed(p []byte) { c.feed(p, false) }

// FeedEOF says that the peer's end of the stream arrived.
func (c *Conn) FeedEOF() { c.feed(nil, true) }

func (c *Conn) feed(p []byte, eof bool) {
	if c.err != nil {
		return
	}
	c.wire.in.append(p)
	c.wire.eof = c.wire.eof || eof
	if c.hand != nil {
		c.hand.due = true
	}
}

// Room is how many bytes to feed at most. Zero means none before something was
// read or, during the handshake, Handshake was called.
func (c *Conn) Room() int { return max(0, inputBytes-c.wire.in.len()) }

// Buffered is how much of what was fed is yet to be read.
func (c *Conn) Buffered() int { return c.wire.in.len() }

// Handshake goes on with the handshake as far as what was fed allows, which can
// take as long as some hundreds of requests. It says whether the handshake has
// ended, and with which error.
func (c *Conn) Handshake() (done bool, err error) {
	if h := c.hand; h != nil && h.due && h.goOn(c) {
		c.hand = nil
		c.endHandshake(h.err)
	}
	if c.failed {
		return true, c.err
	}
	return c.hand == nil, nil
}

// State describes the connection. It is to be called when the handshake has ended,
// well or not.
func (c *Conn) State() tls.ConnectionState { return c.tls.ConnectionState() }

func (c *Conn) endHandshake(err error) {
	if err == nil {
		returnRecord(c.tls)
		return
	}
	c.err, c.failed = err, true
	c.wire.in.release()
	if isPlaintextHTTP(err) {
		c.out.append([]byte(plaintextAnswer))
	}
}

// Read returns plaintext: n > 0, or one of ErrWant, io.EOF after the peer's
// close_notify, ErrTruncated, ErrFlood, and errors of crypto/tls, all of which
// but the first are final. An error comes without data.
func (c *Conn) Read(p []byte) (n int, err error) {
	switch {
	case c.err != nil:
		return 0, c.err
	case c.hand != nil:
		return 0, ErrWant
	case len(p) == 0:
		return 0, nil
	}
	records, pending := c.wire.records, c.out.len()
	borrowRecord(c.tls)
	n, err = c.tls.Read(p)
	if c.flooded(n > 0, c.wire.records-records, c.out.len()-pending) {
		n, err = 0, ErrFlood
	}
	if n > 0 {
		// Less than there was room for is all the plaintext of the record: an
		// owner that knows there is no more need not ask again.
		if n < len(p) && c.wire.betweenRecords() {
			returnRecord(c.tls)
		}
		// What crypto/tls says with data it says again without.
		return n, nil
	}
	switch {
	case !errors.Is(err, ErrWant):
		c.fail(err)
	case c.wire.betweenRecords():
		returnRecord(c.tls)
	}
	return 0, err
}

// flooded counts what one Read took in and wrote.
func (c *Conn) flooded(data bool, records uint64, written int) bool {
	if data && records > 0 {
		c.data++
		records--
	}
	c.useless += records
	c.answers += written
	return c.useless > uselessRecords+c.data/recordsPerUseless || c.answers > answerBytes
}

// fail ends reading. What arrived and was not read has no meaning any more.
func (c *Conn) fail(err error) {
	c.err = err
	c.wire.in.release()
}

// Write encrypts p into the output and never leaves a part of it out: how much
// may wait there is for the owner to bound. It fails before the handshake has
// ended, after CloseWrite, and after an alert.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.writable(); err != nil {
		return 0, err
	}
	return c.tls.Write(p)
}

// CloseWrite sends close_notify: nothing is written after it, and what the peer
// sends can still be read.
func (c *Conn) CloseWrite() error {
	if err := c.writable(); err != nil {
		return err
	}
	return c.tls.CloseWrite()
}

func (c *Conn) writable() error {
	switch {
	case c.failed:
		return c.err
	case c.hand != nil:
		return ErrHandshaking
	}
	return nil
}

// Output is the ciphertext that waits to be sent. The slice is valid until the
// next call of any other method, and until the owner runs a posted function.
func (c *Conn) Output() []byte { return c.out.bytes() }

// Flushed drops the first n bytes of the output: they were sent.
func (c *Conn) Flushed(n int) {
	c.out.drop(n)
	if c.out.len() == 0 {
		c.answers = 0
	}
}

// Discard gives the connection up and its memory back: reading and writing end
// with ErrDiscarded, and so does a handshake. What was not sent is lost.
func (c *Conn) Discard() {
	c.err, c.failed = ErrDiscarded, true
	if c.hand != nil {
		c.hand.discard()
		c.hand = nil
	}
	c.wire.in.release()
	c.out.release()
}

var _ io.ReadWriter = (*Conn)(nil)
