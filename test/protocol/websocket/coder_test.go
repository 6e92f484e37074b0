package websocket

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"

	"github.com/coder/websocket"
)

func coderServer(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(4 << 20)
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}

func coderClient(url string, trust *tls.Config, compress bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	transport := &http.Transport{TLSClientConfig: trust}
	defer transport.CloseIdleConnections()
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}}
	if compress {
		options.CompressionMode = websocket.CompressionContextTakeover
	}
	c, _, err := websocket.Dial(ctx, url, options)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	c.SetReadLimit(4 << 20)
	for _, size := range Sizes {
		for _, m := range []struct {
			kind websocket.MessageType
			data []byte
		}{{websocket.MessageText, text(size)}, {websocket.MessageBinary, binary(size)}} {
			if err := coderEcho(ctx, c, m.kind, m.data); err != nil {
				return fmt.Errorf("%d bytes: %w", size, err)
			}
		}
	}
	// It fails unless the server answers with the same code.
	return c.Close(CloseCode, "bye")
}

// coderEcho sends a message whole and in fragments, with a ping beside each. The
// pong comes in while the message is read.
func coderEcho(ctx context.Context, c *websocket.Conn, kind websocket.MessageType, data []byte) error {
	for _, parts := range [][][]byte{{data}, sliced(data)} {
		pong := make(chan error, 1)
		go func() { pong <- c.Ping(ctx) }()
		sent := make(chan error, 1)
		go func() { sent <- coderSend(ctx, c, kind, parts, pong) }()
		gotKind, got, err := c.Read(ctx)
		if err != nil || gotKind != kind || !bytes.Equal(got, data) {
			return fmt.Errorf("got %d bytes of kind %d: %w", len(got), gotKind, err)
		}
		if err := <-sent; err != nil {
			return err
		}
	}
	return nil
}

func coderSend(ctx context.Context, c *websocket.Conn, kind websocket.MessageType, parts [][]byte, pong <-chan error) error {
	if err := <-pong; err != nil {
		return err
	}
	w, err := c.Writer(ctx, kind)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return w.Close()
}
