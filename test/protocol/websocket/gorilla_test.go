package websocket

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

func gorillaServer(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{EnableCompression: true}
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		kind, message, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func gorillaClient(url string, trust *tls.Config, compress bool) error {
	dialer := websocket.Dialer{EnableCompression: compress, TLSClientConfig: trust}
	c, _, err := dialer.Dial(url, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	pongs := 0
	c.SetPongHandler(func(payload string) error {
		if payload == "ping" {
			pongs++
		}
		return nil
	})
	for _, size := range Sizes {
		for _, m := range []struct {
			kind int
			data []byte
		}{{websocket.TextMessage, text(size)}, {websocket.BinaryMessage, binary(size)}} {
			if err := gorillaEcho(c, m.kind, m.data); err != nil {
				return fmt.Errorf("%d bytes: %w", size, err)
			}
		}
	}
	if pongs != 4*len(Sizes) {
		return fmt.Errorf("%d pongs", pongs)
	}
	if err := c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(CloseCode, "bye")); err != nil {
		return err
	}
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, CloseCode) {
		return fmt.Errorf("closed by %w", err)
	}
	return nil
}

// gorillaEcho sends a message whole and in fragments, with a ping before each.
func gorillaEcho(c *websocket.Conn, kind int, data []byte) error {
	for _, parts := range [][][]byte{{data}, sliced(data)} {
		if err := c.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(patience)); err != nil {
			return err
		}
		w, err := c.NextWriter(kind)
		if err != nil {
			return err
		}
		for _, part := range parts {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		if err := w.Close(); err != nil {
			return err
		}
		gotKind, got, err := c.ReadMessage()
		if err != nil || gotKind != kind || !bytes.Equal(got, data) {
			return fmt.Errorf("got %d bytes of kind %d: %w", len(got), gotKind, err)
		}
	}
	return nil
}

func sliced(b []byte) [][]byte {
	parts := fragments(b)
	return parts[:]
}
