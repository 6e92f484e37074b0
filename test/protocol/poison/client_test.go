package poison

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

const patience = 30 * time.Second

// client makes requests with nonces of its own, on one connection as long as
// that lasts.
type client struct {
	name, addr string
	random     *rand.Rand
	count      int
	conn       net.Conn
	r          *bufio.Reader
}

// request is one of them: what is sent, and what must come back.
type request struct {
	method, target, body string
	chunked              bool
	// abandoned requests end in mid-body, with the connection.
	abandoned bool
}

// next makes up a request. The paths tell the backend how to answer.
func (c *client) next() request {
	c.count++
	kinds := []string{"plain", "plain", "plain", "chunks", "close", "early", "cut", "abandoned"}
	kind := kinds[c.random.IntN(len(kinds))]
	r := request{method: "GET", target: fmt.Sprintf("/%s/%s-%d", kind, c.name, c.count), abandoned: kind == "abandoned"}
	if c.random.IntN(2) == 0 || kind == "early" || r.abandoned {
		r.method = "POST"
		r.body = strings.Repeat(fmt.Sprintf("%s-%d.", c.name, c.count), 1+c.random.IntN(50))
		r.chunked = c.random.IntN(2) == 0
	}
	if r.body == "" && c.random.IntN(8) == 0 {
		r.method = "HEAD"
	}
	return r
}

func (r request) bytes() string {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: a.example\r\n", r.method, r.target)
	if r.body == "" {
		return head + "\r\n"
	}
	framing, body := fmt.Sprintf("Content-Length: %d\r\n\r\n", len(r.body)), r.body
	if r.chunked {
		framing, body = "Transfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(r.body), r.body)
	}
	if r.abandoned {
		body = body[:len(body)/2]
	}
	return head + framing + body
}

// do makes one request, or two at once, and checks the answers.
func (c *client) do() (n int, err error) {
	requests := []request{c.next()}
	if c.random.IntN(4) == 0 && requests[0].method == "GET" {
		requests = append(requests, c.next())
	}
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.addr); err != nil {
			return 0, err
		}
		c.r = bufio.NewReader(c.conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	text := ""
	for _, r := range requests {
		text += r.bytes()
	}
	// An answer that came early may have ended the connection.
	_, _ = io.WriteString(c.conn, text)
	for _, r := range requests {
		keep, err := c.check(r)
		if err != nil {
			return len(requests), fmt.Errorf("%s %s: %w", r.method, r.target, err)
		}
		if !keep {
			c.conn.Close()
			c.conn = nil
			break
		}
	}
	return len(requests), nil
}

// check reads the answer to a request, and says whether the connection goes on.
func (c *client) check(r request) (keep bool, err error) {
	if r.abandoned {
		return false, nil
	}
	answer, err := http.ReadResponse(c.r, &http.Request{Method: r.method})
	if err != nil {
		// The connection was reset with input unread, which takes along an early
		// answer.
		return false, unless(strings.HasPrefix(r.target, "/early/") || strings.HasPrefix(r.target, "/cut/"), err)
	}
	body, err := io.ReadAll(answer.Body)
	if got := answer.Header.Get("X-Target"); got != "" && got != r.target {
		return false, fmt.Errorf("got the answer to %s", got)
	}
	switch {
	case strings.HasPrefix(r.target, "/cut/"):
		return false, unless(err != nil || answer.StatusCode == http.StatusBadGateway || r.method == "HEAD", fmt.Errorf("%d %q looks whole", answer.StatusCode, body))
	case err != nil:
		return false, err
	}
	want := r.target + "|" + r.body
	if strings.HasPrefix(r.target, "/early/") {
		want = r.target + "|"
	}
	if r.method == "HEAD" {
		want = ""
	}
	return !answer.Close, unless(string(body) == want, fmt.Errorf("%d %q, want %q", answer.StatusCode, body, want))
}

func unless(fine bool, err error) error {
	if fine {
		return nil
	}
	return err
}
