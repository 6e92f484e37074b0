package custody

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

// Client is Sockets of a process that was started by one with a Holder. When that is
// gone, the Client does nothing.
type Client struct {
	log logr.Logger

	mu sync.Mutex
	// conn is nil once the Holder is gone.
	conn  *net.UnixConn
	found map[uint16][]int
}

// NewClient takes what is held from the Holder at the other end of a file of
// Holder.Attend, which it closes.
func NewClient(file *os.File, log logr.Logger) (*Client, error) {
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("using what was inherited: %w", err)
	}
	packets, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("what was inherited is a %T", conn)
	}
	c := &Client{log: log, conn: packets, found: map[uint16][]int{}}
	if err := c.read(); err != nil {
		packets.Close()
		return nil, fmt.Errorf("reading what is held: %w", err)
	}
	return c, nil
}

func (c *Client) read() error {
	if err := c.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	for {
		m, err := receive(c.conn)
		if err != nil {
			return err
		}
		if m.verb == end {
			return nil
		}
		c.found[m.port] = m.fds
	}
}

// Take implements Sockets.
func (c *Client) Take(port uint16) []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	fds := c.found[port]
	delete(c.found, port)
	return fds
}

// Keep implements Sockets.
func (c *Client) Keep(port uint16, fds []int) {
	if len(fds) > mostSockets {
		return
	}
	c.ask(message{keep, port, fds})
}

// Drop implements Sockets.
func (c *Client) Drop(port uint16) { c.ask(message{verb: drop, port: port}) }

// Settle implements Sockets.
func (c *Client) Settle() {
	c.mu.Lock()
	rest := c.found
	c.found = map[uint16][]int{}
	c.mu.Unlock()
	for port, fds := range rest {
		CloseAll(fds)
		c.Drop(port)
	}
}

// ask sends a message and waits for the answer.
func (c *Client) ask(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return
	}
	err := send(c.conn, m)
	if err == nil {
		err = c.conn.SetReadDeadline(time.Now().Add(timeout))
	}
	if err == nil {
		_, err = receive(c.conn)
	}
	if err != nil {
		c.log.Error(err, "Nobody holds the sockets any more")
		c.conn.Close()
		c.conn = nil
	}
}
