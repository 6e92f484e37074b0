package poison

import (
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
)

// connection is one of a client's.
type connection interface {
	io.Closer
	// most is how many requests may go out at once, of which the first is given.
	most(first request) int
	// round makes requests at once. It returns the answers in their order, fewer
	// where the connection ended by rights, and whether it goes on.
	round(requests []request) (answers []answer, keep bool)
}

// client makes requests with nonces of its own, on one connection as long as
// that lasts.
type client struct {
	name   string
	dial   func(random *rand.Rand) (connection, error)
	random *rand.Rand
	count  int
	conn   connection
	// unserved counts answers of the proxy's own to what a backend that leaves with
	// requests on their way has not answered; nil where there is no such backend.
	unserved *atomic.Int64
}

func (c *client) next() request {
	c.count++
	return newRequest(c.random, fmt.Sprintf("%s-%d", c.name, c.count))
}

// do makes one request, or some at once, and checks the answers.
func (c *client) do() (n int, err error) {
	if c.conn == nil {
		if c.conn, err = c.dial(c.random); err != nil {
			return 0, err
		}
	}
	requests := []request{c.next()}
	if c.random.IntN(4) == 0 {
		for range c.conn.most(requests[0]) - 1 {
			requests = append(requests, c.next())
		}
	}
	answers, keep := c.conn.round(requests)
	if !keep {
		c.close()
	}
	for i, a := range answers {
		if c.unserved != nil && requests[i].kind != cut && a.unserved() {
			c.unserved.Add(1)
			continue
		}
		if err := requests[i].check(a); err != nil {
			return len(requests), fmt.Errorf("%s %s: %w", requests[i].method, requests[i].target, err)
		}
	}
	return len(requests), nil
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// way is how a client reaches the proxy.
type way struct {
	name string
	dial func(random *rand.Rand) (connection, error)
}

// ways are all of them.
func ways(plain, secure string, config *tls.Config) []way {
	return []way{
		{"HTTP/1.1", func(*rand.Rand) (connection, error) { return dialHTTP1(plain, nil) }},
		{"HTTP/1.1 over TLS", func(*rand.Rand) (connection, error) { return dialHTTP1(secure, config) }},
		{"HTTP/2", func(random *rand.Rand) (connection, error) { return dialHTTP2(plain, nil, random) }},
		{"HTTP/2 over TLS", func(random *rand.Rand) (connection, error) { return dialHTTP2(secure, config, random) }},
	}
}
