package websocket

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// http2Client is gobwas over a stream of HTTP/2, which is bootstrapped by extended
// CONNECT (RFC 8441).
func http2Client(at string, trust *tls.Config, compress bool) error {
	var offer []string
	if compress {
		offer = []string{"sec-websocket-extensions", deflate + "; server_no_context_takeover; client_no_context_takeover"}
	}
	s, err := openStream(at, trust, offer...)
	if err != nil {
		return err
	}
	defer s.Close()
	return (&gobwas{c: s, mask: ws.MaskFrame, compressed: strings.Contains(s.extensions, deflate)}).talk()
}

// stream is the only one of a connection.
type stream struct {
	*wire.Conn
	// extensions are those that the server has agreed to.
	extensions string
	received   sync.Cond

	mu sync.Mutex
	// window is what the peer takes of the stream, all what it takes of the
	// connection.
	window, all int
	data        bytes.Buffer
	// head: the answer's has come. ended: the server has ended its half.
	head, ended bool
	err         error
}

// room is more than anybody sends.
const room = 1 << 30

// openStream opens a tunnel to a WebSocket server, with further fields.
func openStream(at string, trust *tls.Config, more ...string) (*stream, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	trust.ServerName = u.Hostname()
	c, err := wire.Dial(u.Host, trust)
	if err != nil {
		return nil, err
	}
	s := &stream{Conn: c, all: 65535}
	s.received.L = &s.mu
	_ = c.SetDeadline(time.Now().Add(patience))
	fields := append(wire.Fields(":method", "CONNECT", ":protocol", "websocket", ":scheme", "https",
		":authority", u.Host, ":path", u.Path, "sec-websocket-version", "13"), wire.Fields(more...)...)
	if err := errors.Join(c.Preface(http2.Setting{ID: http2.SettingInitialWindowSize, Val: room}), c.Framer.WriteWindowUpdate(0, room), c.Flush(), s.settle(),
		c.Headers(1, false, fields...), c.Flush()); err != nil {
		c.Close()
		return nil, err
	}
	go s.receive()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.head && s.err == nil {
		s.received.Wait()
	}
	if !s.head {
		c.Close()
		return nil, s.err
	}
	return s, nil
}

// settle reads the peer's settings: nobody may ask before they are known (RFC 8441,
// section 3).
func (s *stream) settle() error {
	f, err := s.Framer.ReadFrame()
	if err != nil {
		return err
	}
	settings, ok := f.(*http2.SettingsFrame)
	if !ok {
		return fmt.Errorf("got %v first", f)
	}
	if v, _ := settings.Value(http2.SettingEnableConnectProtocol); v != 1 {
		return errors.New("no extended CONNECT")
	}
	s.window = 65535
	if v, ok := settings.Value(http2.SettingInitialWindowSize); ok {
		s.window = int(v)
	}
	return s.Framer.WriteSettingsAck()
}

// receive takes what comes, as long as anything does.
func (s *stream) receive() {
	s.Framer.AllowIllegalReads = false
	s.Framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		f, err := s.Framer.ReadFrame()
		s.mu.Lock()
		if err == nil {
			err = s.take(f)
		}
		s.err = err
		s.received.Broadcast()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take takes a frame, and returns what breaks the stream.
func (s *stream) take(f http2.Frame) error {
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		if got := wire.Get(f.Fields, ":status"); got != "200" {
			return fmt.Errorf("answered %s", got)
		}
		s.extensions, s.head = wire.Get(f.Fields, "sec-websocket-extensions"), true
	case *http2.DataFrame:
		s.data.Write(f.Data())
		s.ended = f.StreamEnded()
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			s.all += int(f.Increment)
		} else {
			s.window += int(f.Increment)
		}
	case *http2.RSTStreamFrame:
		return fmt.Errorf("reset: %v", f.ErrCode)
	case *http2.GoAwayFrame:
		return fmt.Errorf("going away: %v", f.ErrCode)
	}
	return nil
}

// Read implements net.Conn.
func (s *stream) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.data.Len() == 0 {
		if s.ended {
			return 0, io.EOF
		}
		if s.err != nil {
			return 0, s.err
		}
		s.received.Wait()
	}
	return s.data.Read(b)
}

// Write implements net.Conn.
func (s *stream) Write(b []byte) (n int, err error) {
	for n < len(b) {
		part := b[n:min(len(b), n+16<<10)]
		if part, err = s.grant(part); err != nil {
			return n, err
		}
		if err := errors.Join(s.Framer.WriteData(1, false, part), s.Flush()); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// grant waits until a part of b may be sent.
func (s *stream) grant(b []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for min(s.window, s.all) <= 0 {
		if s.err != nil {
			return nil, s.err
		}
		s.received.Wait()
	}
	b = b[:min(len(b), s.window, s.all)]
	s.window -= len(b)
	s.all -= len(b)
	return b, nil
}

// CloseWrite ends the client's half.
func (s *stream) CloseWrite() error {
	return errors.Join(s.Framer.WriteData(1, true, nil), s.Flush())
}
