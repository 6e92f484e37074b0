package forward

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/fleetgate/fleetgate/test/protocol/vector"
)

// patience bounds each wait; nothing that works comes near it.
const patience = 20 * time.Second

// answer is one final response that a client got.
type answer struct {
	status int
	close  bool
	body   string
}

// exchange sends a vector on a connection of its own and returns all that comes
// back until the proxy ends it. The client ends its sending side once it has the
// answers that it wants, or at once where the vector ends in mid-message. After a
// refusal it does not: then to end the connection is the proxy's business.
func exchange(addr string, v vector.Vector) ([]byte, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		// A proxy that has refused what came first may have stopped reading.
		_, err := io.WriteString(c, v.In)
		if err == nil && v.Verdict == vector.Break {
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	out, err := collect(c, v)
	c.Close()
	<-sent
	return out, err
}

// collect reads to the end of the connection.
func collect(c net.Conn, v vector.Vector) (out []byte, err error) {
	buf := make([]byte, 64<<10)
	for done := v.Verdict != vector.Pass; ; {
		n, err := c.Read(buf)
		out = append(out, buf[:n]...)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return out, fmt.Errorf("the connection does not end: %w", err)
		}
		if err != nil {
			// A reset ends it as well; what was sent before it counts.
			return out, nil
		}
		if done {
			continue
		}
		if all, _ := answers(out, v.Want); len(all) >= len(v.Want) {
			done = true
			// The proxy may have ended it already.
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}
}

// answers reads final responses: the methods are those of the requests, in
// order, and GET past their end. rest is what is not a whole response.
func answers(out []byte, want []vector.Request) (all []answer, rest []byte) {
	source := bytes.NewReader(out)
	r := bufio.NewReader(source)
	for left := len(out); left > 0; left = source.Len() + r.Buffered() {
		method := "GET"
		if len(all) < len(want) {
			method = want[len(all)].Method
		}
		response, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return all, out[len(out)-left:]
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return all, out[len(out)-left:]
		}
		if response.StatusCode >= 200 {
			all = append(all, answer{response.StatusCode, response.Close, string(body)})
		}
	}
	return all, nil
}
