package attack

import (
	"bytes"
	"errors"

	"golang.org/x/net/http2"

	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// endless are the backends that never come to an end, and need as little for
// it as the clients of the same kind.
func endless() []Hostile {
	forever := func(begun bool, name string, begin, more func(*wire.Conn, uint32) error) Hostile {
		return Hostile{Name: name, Begun: begun, answer: func(c *wire.Conn, stream uint32) error {
			err := begin(c, stream)
			for err == nil {
				err = errors.Join(more(c, stream), c.Flush())
			}
			return err
		}}
	}
	openHead := func(c *wire.Conn, stream uint32) error {
		return c.Framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: wire.Block(ok()...)})
	}
	head := func(c *wire.Conn, stream uint32) error { return c.Headers(stream, false, ok()...) }
	fields := literals(16 << 10)
	return append([]Hostile{
		forever(true, "interim responses without end", silent, func(c *wire.Conn, stream uint32) error {
			return c.Headers(stream, false, wire.Fields(":status", "103", "link", "</x>")...)
		}),
		forever(false, "CONTINUATION without end", openHead, func(c *wire.Conn, stream uint32) error {
			return c.Framer.WriteContinuation(stream, false, fields)
		}),
		forever(false, "empty CONTINUATION without end", openHead, func(c *wire.Conn, stream uint32) error {
			return c.Framer.WriteContinuation(stream, false, nil)
		}),
		{Name: "HPACK bomb", answer: func(c *wire.Conn, stream uint32) error {
			block := append(wire.Block(ok()...), bombFields()...)
			failed := c.Framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block[:16<<10], EndStream: true})
			for range 3 {
				failed = errors.Join(failed, c.Framer.WriteContinuation(stream, false, bytes.Repeat([]byte{indexedOwn}, 16<<10)))
			}
			return errors.Join(failed, c.Framer.WriteContinuation(stream, true, nil))
		}},
		forever(false, "PING flood", silent, func(c *wire.Conn, _ uint32) error { return c.Framer.WritePing(false, [8]byte{}) }),
		forever(false, "SETTINGS flood", silent, func(c *wire.Conn, _ uint32) error { return c.Framer.WriteSettings() }),
		forever(true, "empty DATA without end", head, func(c *wire.Conn, stream uint32) error {
			return c.Framer.WriteData(stream, false, nil)
		}),
	}, beyondWindow())
}

// beyondWindow sends more than the proxy, and the client behind it, have asked
// for.
func beyondWindow() Hostile {
	return Hostile{Name: "body beyond the window", Begun: true, Waits: true, answer: func(c *wire.Conn, stream uint32) error {
		err, chunk := c.Headers(stream, false, ok()...), make([]byte, 16<<10)
		for err == nil {
			err = errors.Join(c.Framer.WriteData(stream, false, chunk), c.Flush())
		}
		return err
	}}
}
