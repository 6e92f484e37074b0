package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// memoryRounds is the most that are made: they differ little.
	memoryRounds = 3
	// settle is how long an engine gets to give back what it needs no more.
	settle = time.Second
	// warmRequests make an engine allocate what it keeps for all connections.
	warmRequests = 500
)

// memory measures what idle connections cost in engines started afresh: each
// connection makes one request and then stays.
func (b *bench) memory(ctx context.Context, r results) error {
	for round := range min(b.rounds, memoryRounds) {
		for _, e := range b.engines {
			bytes, err := b.idleBytes(ctx, e)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", idleMemory, e.name, err)
			}
			r.add(idleMemory, e.name, sample{cpu: bytes})
			fmt.Printf("%s, round %d: %s %.0f bytes\n", idleMemory, round+1, e.name, bytes)
		}
	}
	return nil
}

// idleBytes is how much an engine's anonymous memory grows per idle connection.
// It is the growth past a fifth as many connections, which fill the memory that
// the engine has held since it started and does not use.
func (b *bench) idleBytes(ctx context.Context, e engine) (float64, error) {
	p, err := b.startEngine(ctx, e)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	if err := warm(e); err != nil {
		return 0, err
	}
	clients := &idlers{}
	defer clients.close()
	if err := clients.open(ctx, e.port, b.idle/5); err != nil {
		return 0, err
	}
	before, err := settled(ctx, p)
	if err != nil {
		return 0, err
	}
	if err := clients.open(ctx, e.port, b.idle); err != nil {
		return 0, err
	}
	after, err := settled(ctx, p)
	if err != nil {
		return 0, err
	}
	return float64(after-before) / float64(b.idle), clients.stillThere()
}

// idlers are connections that have made one request each.
type idlers []*client

// open adds n connections.
func (c *idlers) open(ctx context.Context, port, n int) error {
	for range n {
		added, err := dial(port)
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
	for _, client := range *c {
		client.connection.Close()
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

// warm makes requests on one connection.
func warm(e engine) error {
	c, err := dial(e.port)
	if err != nil {
		return err
	}
	defer c.connection.Close()
	for range warmRequests {
		if err := c.get(); err != nil {
			return err
		}
	}
	return nil
}

// settled waits a little and returns the anonymous memory of a process and of
// those it has forked.
func settled(ctx context.Context, p *process) (int64, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(settle):
	}
	var sum int64
	err := eachOf(p.pid(), func(pid int) error {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return err
		}
		bytes, err := parseRssAnon(string(status))
		sum += bytes
		return err
	})
	return sum, err
}

// parseRssAnon reads the line "RssAnon: N kB" of a process's status (proc(5)).
func parseRssAnon(status string) (int64, error) {
	for line := range strings.Lines(status) {
		value, ok := strings.CutPrefix(line, "RssAnon:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("RssAnon: %w", err)
		}
		return kib << 10, nil
	}
	return 0, errors.New("status has no RssAnon")
}

// client is one connection that makes a request now and then. Its reader lives
// for one answer only, as thousands of clients are held at once.
type client struct{ connection net.Conn }

func dial(port int) (*client, error) {
	connection, err := net.DialTimeout("tcp", address(port), startTimeout)
	if err != nil {
		return nil, err
	}
	return &client{connection}, nil
}

// get asks for the small body and reads all of it.
func (c *client) get() error {
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
