package local

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// newWebSockets is a server with TLS that sends back what it gets once a connection
// is a WebSocket, and answers nothing else.
func newWebSockets(t *testing.T) *httptest.Server {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		// RFC 6455, section 4.2.2.
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(sum[:]))
		_, _ = io.Copy(c, buffered)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// overWebSocket opens a WebSocket by TLS and sends a frame that is to come back. It
// returns the status 200 in place of 101.
func (s *scene) overWebSocket(port int, host string) ask {
	return func() (int, error) {
		dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: &tls.Config{ServerName: host, InsecureSkipVerify: true}}
		c, err := dialer.Dial("tcp", s.at(port))
		if err != nil {
			return 0, err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(c, "GET /chat HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", host)
		from := bufio.NewReader(c)
		answer, err := http.ReadResponse(from, nil)
		if err != nil {
			return 0, err
		}
		if answer.StatusCode != http.StatusSwitchingProtocols {
			answer.Body.Close()
			return answer.StatusCode, nil
		}
		if answer.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
			return 0, errors.New("the answer is not to this key")
		}
		frame := []byte{0x81, 0x82, 0, 0, 0, 0, 'h', 'i'} // a text of two bytes, masked with zeros
		if _, err := c.Write(frame); err != nil {
			return 0, err
		}
		back := make([]byte, len(frame))
		if _, err := io.ReadFull(from, back); err != nil {
			return 0, err
		}
		if !bytes.Equal(back, frame) {
			return 0, fmt.Errorf("got the frame %x", back)
		}
		return http.StatusOK, nil
	}
}

// TestSecureWebSockets has WebSockets come by TLS and go on by TLS to a Service of
// appProtocol kubernetes.io/wss. Without a BackendTLSPolicy, or with one that trusts
// somebody else, none is opened, and none in plaintext.
func TestSecureWebSockets(t *testing.T) {
	world, server := newScene(t), newWebSockets(t)
	objects, gateway := world.bare()
	objects["gateway"] = gateway + listener("https", httpsPort, "HTTPS", ", tls: {certificateRefs: [{name: cert}]}") + "\n"
	objects["cert"] = world.secret("cert")
	objects["route"] = route("HTTPRoute", "chat", "https", "", backend("chat"))
	maps.Copy(objects, service("shop/chat", server.Listener.Addr().String()))
	objects["service-chat"] = strings.Replace(objects["service-chat"], "{port: 80,", "{port: 80, appProtocol: kubernetes.io/wss,", 1)
	objects["bundle"] = configMap("bundle", string(pemOf(server.Certificate())))
	objects["strangers"] = configMap("strangers", string(world.cert.CertPEM))
	objects["policy"] = policy("chat", "bundle")
	s := start(t, objects)

	chat := world.overWebSocket(httpsPort, "chat.example.com")
	s.wants(chat, http.StatusOK)
	s.write("policy", policy("chat", "strangers"))
	s.wants(chat, http.StatusBadGateway)
	s.write("policy", "")
	s.until("the route is told", func(f facts) bool { return f.told("HTTPRoute shop/chat", "UnsupportedProtocol") })
	s.wants(chat, http.StatusInternalServerError)
	s.write("policy", objects["policy"])
	s.wants(chat, http.StatusOK)
}
