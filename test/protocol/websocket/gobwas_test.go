package websocket

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

func gobwasServer(w http.ResponseWriter, r *http.Request) {
	extension := wsflate.Extension{Parameters: wsflate.DefaultParameters}
	upgrader := ws.HTTPUpgrader{Negotiate: extension.Negotiate}
	c, _, _, err := upgrader.Upgrade(r, w)
	if err != nil {
		return
	}
	defer c.Close()
	_, compressed := extension.Accepted()
	g := &gobwas{c: c, mask: func(f ws.Frame) ws.Frame { return f }, compressed: compressed}
	for {
		op, message, err := g.receive()
		if err != nil || g.send(op, message) != nil {
			return
		}
	}
}

func gobwasClient(url string, trust *tls.Config, compress bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dialer := ws.Dialer{TLSConfig: trust}
	if compress {
		dialer.Extensions = append(dialer.Extensions, wsflate.DefaultParameters.Option())
	}
	c, buffered, handshake, err := dialer.Dial(ctx, url)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil || buffered != nil {
		return fmt.Errorf("data before the first message: %w", err)
	}
	return (&gobwas{c: c, mask: ws.MaskFrame, compressed: len(handshake.Extensions) > 0}).talk()
}

// talk is a client's.
func (g *gobwas) talk() error {
	for _, size := range Sizes {
		for op, data := range map[ws.OpCode][]byte{ws.OpText: text(size), ws.OpBinary: binary(size)} {
			if err := g.echo(op, data); err != nil {
				return fmt.Errorf("%d bytes: %w", size, err)
			}
		}
	}
	if g.pongs != 4*len(Sizes) {
		return fmt.Errorf("%d pongs", g.pongs)
	}
	if err := g.write(ws.NewCloseFrame(ws.NewCloseFrameBody(CloseCode, "bye"))); err != nil {
		return err
	}
	if _, _, err := g.receive(); err != errClosed {
		return fmt.Errorf("closed by %w", err)
	}
	return nil
}

// gobwas is one side of a connection, frame by frame.
type gobwas struct {
	c          net.Conn
	mask       func(ws.Frame) ws.Frame
	compressed bool
	pongs      int
}

var errClosed = fmt.Errorf("closed with code %d", CloseCode)

func (g *gobwas) write(f ws.Frame) error { return ws.WriteFrame(g.c, g.mask(f)) }

// send sends a message as one frame, compressed if that was agreed on.
func (g *gobwas) send(op ws.OpCode, message []byte) (err error) {
	f := ws.NewFrame(op, true, message)
	if g.compressed {
		if f, err = wsflate.CompressFrame(f); err != nil {
			return err
		}
	}
	return g.write(f)
}

// receive returns the next message, and answers what comes before it.
func (g *gobwas) receive() (op ws.OpCode, message []byte, err error) {
	deflated := false
	for {
		f, err := ws.ReadFrame(g.c)
		if err != nil {
			return 0, nil, err
		}
		if f.Header.Masked {
			f = ws.UnmaskFrameInPlace(f)
		}
		switch f.Header.OpCode {
		case ws.OpPing:
			err = g.write(ws.NewPongFrame(f.Payload))
		case ws.OpPong:
			g.pongs++
		case ws.OpClose:
			return 0, nil, g.closed(f)
		default:
			if f.Header.OpCode != ws.OpContinuation {
				op, deflated = f.Header.OpCode, f.Header.Rsv1()
			}
			if message = append(message, f.Payload...); f.Header.Fin {
				return g.inflate(op, message, deflated)
			}
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

func (g *gobwas) inflate(op ws.OpCode, message []byte, deflated bool) (ws.OpCode, []byte, error) {
	if !deflated {
		return op, message, nil
	}
	f := ws.NewFrame(op, true, message)
	f.Header.Rsv = ws.Rsv(true, false, false)
	f, err := wsflate.DecompressFrame(f)
	return op, f.Payload, err
}

// closed answers a close frame with its code.
func (g *gobwas) closed(f ws.Frame) error {
	code, _ := ws.ParseCloseFrameData(f.Payload)
	if err := g.write(ws.NewCloseFrame(ws.NewCloseFrameBody(code, ""))); err != nil && code != CloseCode {
		return err
	}
	if code != CloseCode {
		return io.ErrUnexpectedEOF
	}
	return errClosed
}

// echo sends a message whole and in fragments, with a ping before each.
func (g *gobwas) echo(op ws.OpCode, data []byte) error {
	whole := func() error { return g.send(op, data) }
	fragmented := func() error {
		parts := fragments(data)
		for i, frame := range []ws.Frame{ws.NewFrame(op, false, parts[0]), ws.NewFrame(ws.OpContinuation, false, parts[1]), ws.NewFrame(ws.OpContinuation, true, parts[2])} {
			if err := g.write(frame); err != nil {
				return fmt.Errorf("fragment %d: %w", i, err)
			}
		}
		return nil
	}
	for _, send := range []func() error{whole, fragmented} {
		if err := g.write(ws.NewPingFrame([]byte("ping"))); err != nil {
			return err
		}
		if err := send(); err != nil {
			return err
		}
		gotOp, got, err := g.receive()
		if err != nil || gotOp != op || !bytes.Equal(got, data) {
			return fmt.Errorf("got %d bytes of kind %d: %w", len(got), gotOp, err)
		}
	}
	return nil
}
