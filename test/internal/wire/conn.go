package wire

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// dialTimeout bounds connecting and the TLS handshake.
const dialTimeout = 5 * time.Second

// Conn is an HTTP/2 connection without rules. Frames are buffered until Flush
// or a method that reads. One goroutine may write while another one reads; the
// methods that do both (Response and the like, Next) belong to a single one.
type Conn struct {
	net.Conn
	// Framer writes frames that break the protocol as readily as others.
	Framer *http2.Framer
	// Settings are those of the peer, as far as frames were read by the methods
	// below.
	Settings map[http2.SettingID]uint32

	out     *bufio.Writer
	decoder *hpack.Decoder
}

// Dial connects, with TLS and ALPN "h2" when config is not nil. The caller
// closes the connection.
func Dial(address string, config *tls.Config) (*Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	raw, err := dialer.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	if config == nil {
		return New(raw), nil
	}
	secure, err := handshake(raw, config)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return New(secure), nil
}

// handshake makes a TLS connection that has agreed on HTTP/2.
func handshake(raw net.Conn, config *tls.Config) (*tls.Conn, error) {
	config = config.Clone()
	config.NextProtos = []string{http2.NextProtoTLS}
	secure := tls.Client(raw, config)
	if err := raw.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return nil, err
	}
	if err := secure.Handshake(); err != nil {
		return nil, err
	}
	if secure.ConnectionState().NegotiatedProtocol != http2.NextProtoTLS {
		return nil, errors.New("the server chose no HTTP/2")
	}
	return secure, raw.SetDeadline(time.Time{})
}

// New wraps either side of an open connection.
func New(raw net.Conn) *Conn {
	c := &Conn{Conn: raw, Settings: map[http2.SettingID]uint32{}, out: bufio.NewWriterSize(raw, 32<<10)}
	c.Framer = http2.NewFramer(c.out, bufio.NewReaderSize(raw, 32<<10))
	c.Framer.AllowIllegalWrites = true
	c.Framer.AllowIllegalReads = true
	c.decoder = hpack.NewDecoder(4096, nil)
	return c
}

// Preface writes the client's connection preface with the settings.
func (c *Conn) Preface(settings ...http2.Setting) error {
	if _, err := io.WriteString(c.out, http2.ClientPreface); err != nil {
		return err
	}
	return c.Framer.WriteSettings(settings...)
}

// Write buffers bytes that are no frame, or only part of one.
func (c *Conn) Write(p []byte) (int, error) { return c.out.Write(p) }

// Flush sends what was written.
func (c *Conn) Flush() error { return c.out.Flush() }

// Headers writes a whole HEADERS frame.
func (c *Conn) Headers(stream uint32, end bool, fields ...hpack.HeaderField) error {
	return c.Framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: Block(fields...), EndStream: end, EndHeaders: true,
	})
}
