package attack

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"time"
)

// stream1 is an attack by what is written on one HTTP/1.1 connection.
type stream1 struct {
	// begin is written once, and more over and over, which counts as so many
	// requests.
	begin, more string
	requests    int
	// deaf attackers do not read.
	deaf bool
	// within says that the proxy has to end the connection.
	within time.Duration
}

func (f stream1) attack(name string) Attack { return Attack{Name: name, Within: f.within, run: f.run} }

// http1 are the attacks by HTTP/1.1 that are not slow.
func http1() []Attack {
	const post = "POST /attack HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: chunked\r\n\r\n"
	return []Attack{
		stream1{begin: "GET / HTTP/1.1\r\nHost: " + host + "\r\n", more: "x: " + strings.Repeat("y", 1000) + "\r\n",
			within: cutOff}.attack("head without end"),
		stream1{begin: "GET /", more: strings.Repeat("y", 1000), within: cutOff}.attack("target without end"),
		stream1{begin: post + "1;", more: strings.Repeat("e", 1000), within: cutOff}.attack("chunk extension without end"),
		stream1{begin: post + "0\r\n", more: "x: " + strings.Repeat("y", 1000) + "\r\n", within: cutOff}.attack("trailers without end"),
		stream1{begin: post, more: strings.Repeat("1\r\nx\r\n", burstSize)}.attack("chunks of one byte"),
		stream1{more: strings.Repeat("\r\n", 500), within: cutOff}.attack("empty lines before a request"),
		stream1{more: strings.Repeat("GET /big HTTP/1.1\r\nHost: "+host+"\r\n\r\n", burstSize), requests: burstSize,
			deaf: true}.attack("pipelined requests whose answers nobody reads"),
	}
}

// run attacks on one connection.
func (f stream1) run(_ context.Context, a *Attacker) {
	conn, err := net.Dial("tcp", a.Plain)
	if err != nil {
		a.trouble(err)
		return
	}
	defer conn.Close()
	patience := hold
	if f.within > 0 {
		patience = a.Patience
	}
	start := time.Now()
	ended := make(chan bool, 1)
	if !f.deaf {
		go func() { ended <- closes(conn, patience) }()
	}
	requests, err := f.write(conn, start.Add(patience))
	a.opened(1, 1+requests)
	if f.within > 0 {
		over := !errors.Is(err, os.ErrDeadlineExceeded) || <-ended
		a.closed(time.Since(start), over)
	}
}

// write returns how many requests it has begun when it cannot go on.
func (f stream1) write(conn net.Conn, deadline time.Time) (requests int, err error) {
	if err := conn.SetWriteDeadline(deadline); err != nil {
		return 0, err
	}
	_, err = conn.Write([]byte(f.begin))
	for more := []byte(f.more); err == nil; requests += f.requests {
		if time.Now().After(deadline) {
			return requests, os.ErrDeadlineExceeded
		}
		_, err = conn.Write(more)
	}
	return requests, err
}
