package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// idlers are connections that have made one request each.
type idlers []*idler

// open adds n connections.
func (c *idlers) open(ctx context.Context, t target, n int) error {
	for range n {
		added, err := dial(t)
		if err != nil {
			return fmt.Errorf("connection %d: %w", len(*c)+1, err)
		}
		*c = append(*c, added)
		if err := errors.Join(added.get(), ctx.Err()); err != nil {
			return fmt.Errorf("connection %d: %w", len(*c), err)
		}
	}
	return nil
}

func (c *idlers) close() {
	for _, one := range *c {
		one.connection.Close()
	}
}

// stillThere fails when one of the connections was not idle but closed. Every
// hundredth speaks for the rest.
func (c *idlers) stillThere() error {
	for i := 0; i < len(*c); i += 100 {
		if err := (*c)[i].get(); err != nil {
			return fmt.Errorf("connection %d did not stay: %w", i+1, err)
		}
	}
	return nil
}

// idler is one connection that makes a request now and then. Its reader lives
// for one answer only, as thousands of idlers are held at once.
type idler struct{ connection net.Conn }

// dial connects to a target, with a full handshake where it speaks TLS.
func dial(t target) (*idler, error) {
	connection, err := net.DialTimeout("tcp", address(t.port), startTimeout)
	if err != nil {
		return nil, err
	}
	if t.front == secure {
		connection = tls.Client(connection, clientTLS())
	}
	return &idler{connection}, nil
}

// get asks for the small body and reads all of it.
func (c *idler) get() error {
	if err := c.connection.SetDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	if _, err := io.WriteString(c.connection, "GET /1k HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReader(c.connection), nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answer %s", answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
