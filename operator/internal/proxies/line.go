package proxies

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// line is a connection to one proxy, which is open for as long as it holds an answer back.
// An operator has a thousand of them that say nothing: beside the goroutine that asks, each
// has what TLS needs and a small buffer, where a http.Transport would have two goroutines,
// larger buffers and a pool. Nothing leads away from the pod, neither a proxy of the
// environment nor a redirect. It is not safe for concurrent use.
type line struct {
	*client
	address string
	// conn is nil while the line is closed.
	conn   *tls.Conn
	reader *bufio.Reader
}

// lineBuffer is enough for the head of an answer and most reports.
const lineBuffer = 1 << 10

func (c *client) line(address string) *line {
	return &line{client: c, address: net.JoinHostPort(address, c.port)}
}

// answer is one that was read to its end, or to where it is too large for a report.
type answer struct {
	status string
	code   int
	body   []byte
}

// do makes a request. A line that was open is opened again if it breaks: it may have been
// at its end for long.
func (l *line) do(request *http.Request) (*answer, error) {
	reused := l.conn != nil
	answer, err := l.try(request)
	if err != nil && reused && request.Context().Err() == nil {
		answer, err = l.try(request)
	}
	return answer, err
}

// try is do, once. What does not end well closes the line.
func (l *line) try(request *http.Request) (*answer, error) {
	answer, again, err := l.exchange(request)
	if !again {
		l.close()
	}
	return answer, err
}

// exchange says besides whether the line can be used again.
func (l *line) exchange(request *http.Request) (_ *answer, again bool, err error) {
	ctx := request.Context()
	if err := l.open(ctx); err != nil {
		return nil, false, err
	}
	conn := l.conn.NetConn()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, false, err
	}
	// What is under way ends at once if the context does.
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if err := request.Write(l.conn); err != nil {
		return nil, false, err
	}
	response, err := http.ReadResponse(l.reader, request)
	if err != nil {
		return nil, false, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReport+1))
	return &answer{response.Status, response.StatusCode, body}, err == nil && !response.Close && len(body) <= maxReport, err
}

func (l *line) open(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	plain, err := (&net.Dialer{Timeout: openWithin}).DialContext(ctx, "tcp", l.address)
	if err != nil {
		return err
	}
	l.conn = tls.Client(plain, l.tls)
	l.reader = bufio.NewReaderSize(l.conn, lineBuffer)
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	return l.conn.HandshakeContext(ctx)
}

// close ends the connection. The line can be used again.
func (l *line) close() {
	if l.conn == nil {
		return
	}
	// The other side need not be told: it may not even be there.
	_ = l.conn.NetConn().Close()
	l.conn, l.reader = nil, nil
}
