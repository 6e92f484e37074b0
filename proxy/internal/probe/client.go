package probe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

const (
	// timeout bounds each step of the greeting, and the sending of tables.
	timeout = 5 * time.Second
	// firstRetry is the pause before connecting again; it doubles up to
	// lastRetry. A missing sensor is no reason for haste.
	firstRetry = 50 * time.Millisecond
	lastRetry  = 2 * time.Second
	// publishEvery is the least time between two tellings of the tables.
	publishEvery = time.Second
)

// Options are what a Client needs.
type Options struct {
	// Socket is the path of the sensor's socket. If it is empty, there is no
	// sensor.
	Socket string
	// CgroupDir is the process's own cgroup v2 directory. If it is empty, it
	// is looked for; a process that does not find one does without.
	CgroupDir string
	Log       logr.Logger
}

// Source says what identifiers stand for. It must not change. An identifier that is given
// to something else must have been missing for as long as requests may still carry it.
type Source interface {
	// Tables returns all there is.
	Tables() *probev1.Tables
	// Since returns what has changed since another Source was told; nil where only the
	// whole tells it.
	Since(told Source) *probev1.Amendment
}

// Client talks to the sensor. All its methods are safe for concurrent use.
type Client struct {
	options  Options
	instance string

	source  atomic.Pointer[Source]
	changed chan struct{}

	memory memory
}

// New returns a Client. It does nothing until Run is called.
func New(o Options) *Client {
	return &Client{options: o, instance: rand.Text(), changed: make(chan struct{}, 1)}
}

// Publish sets what identifiers stand for. It never blocks; the newest is told when there
// is a sensor, and only then put together.
func (c *Client) Publish(s Source) {
	c.source.Store(&s)
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Observer returns an observer that hands requests to the sensor, for one loop
// of the engine. It never blocks or allocates; without a sensor it costs some
// nanoseconds.
func (c *Client) Observer() traffic.Observer { return &observer{memory: &c.memory} }

// Run connects to the sensor, and connects again whenever it has gone, until
// ctx is done.
func (c *Client) Run(ctx context.Context) {
	if c.options.Socket == "" {
		<-ctx.Done()
		return
	}
	retry := firstRetry
	for ctx.Err() == nil {
		greeted, err := c.connect(ctx)
		if greeted {
			retry = firstRetry
			c.options.Log.Info("Lost the sensor", "reason", err.Error())
		} else {
			c.options.Log.V(1).Info("No sensor", "reason", err.Error())
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
		}
		retry = min(2*retry, lastRetry)
	}
}

// connect has one conversation with the sensor, and says whether it got as far
// as the sensor's answer.
func (c *Client) connect(ctx context.Context) (greeted bool, err error) {
	dialer := net.Dialer{Timeout: timeout}
	dialed, err := dialer.DialContext(ctx, "unixpacket", c.options.Socket)
	if err != nil {
		return false, fmt.Errorf("connecting to the sensor: %w", err)
	}
	conn := dialed.(*net.UnixConn)
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return false, fmt.Errorf("setting the deadline: %w", err)
	}
	welcome, err := c.greet(conn)
	if err != nil {
		return false, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return false, fmt.Errorf("clearing the deadline: %w", err)
	}
	c.options.Log.Info("Met the sensor", "mode", welcome.Mode)
	return true, c.publish(ctx, conn, welcome.Amends)
}

// greet introduces the proxy and takes the sensor's answer.
func (c *Client) greet(conn *net.UnixConn) (probev1.Welcome, error) {
	if err := c.sendHello(conn); err != nil {
		return probev1.Welcome{}, err
	}
	welcome, file, err := receiveWelcome(conn)
	if err != nil {
		return welcome, err
	}
	if file != nil {
		defer file.Close()
	}
	return welcome, c.enter(welcome, file)
}

// enter changes to the mode that the sensor has chosen.
func (c *Client) enter(w probev1.Welcome, file *os.File) error {
	switch {
	case w.ABI != probev1.ABI:
		return fmt.Errorf("the sensor's records are of version %d, the proxy's of %d", w.ABI, probev1.ABI)
	case w.Mode == probev1.ModeUprobe:
		c.memory.leave()
		return nil
	case w.Mode == probev1.ModeShared && file != nil:
		return c.memory.enter(file)
	}
	return fmt.Errorf("the sensor's mode %q is not known", w.Mode)
}

// publish sends the tables, and again whenever they change, until the sensor goes away.
// A sensor that amends is sent what has changed.
func (c *Client) publish(ctx context.Context, conn *net.UnixConn, amends bool) error {
	gone := make(chan error, 1)
	var reader sync.WaitGroup
	reader.Go(func() { gone <- awaitEnd(conn) })
	defer reader.Wait()
	defer conn.Close()

	var told Source
	for {
		if source := c.source.Load(); source != nil {
			if err := send(conn, updates(*source, told, amends)); err != nil {
				return err
			}
			told = *source
		}
		select {
		case <-time.After(publishEvery):
		case err := <-gone:
			return err
		}
		select {
		case <-c.changed:
		case err := <-gone:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// updates are what a sensor is sent that was told of another Source, or of nothing.
func updates(source, told Source, amends bool) []probev1.Update {
	if !amends {
		t := *source.Tables()
		t.Endpoints = firstOnly(t.Endpoints)
		return t.Split()
	}
	if told != nil {
		if a := source.Since(told); a != nil && a.Empty() {
			return nil
		} else if a != nil {
			return a.Split()
		}
	}
	return source.Tables().Split()
}

// firstOnly leaves each address its first backend: for a sensor that does not amend, the
// last one would count.
func firstOnly(endpoints []probev1.Endpoint) []probev1.Endpoint {
	seen := make(map[netip.AddrPort]bool, len(endpoints))
	return slices.DeleteFunc(endpoints, func(e probev1.Endpoint) bool {
		again := seen[e.Address]
		seen[e.Address] = true
		return again
	})
}

func send(conn *net.UnixConn, updates []probev1.Update) error {
	for _, update := range updates {
		packet, err := probev1.Encode(update)
		if err != nil {
			return err
		}
		if err := conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			return fmt.Errorf("setting the deadline: %w", err)
		}
		if _, err := conn.Write(packet); err != nil {
			return fmt.Errorf("sending tables: %w", err)
		}
	}
	return nil
}

// awaitEnd returns when the sensor closes the conversation. It says nothing
// after its answer, so whatever comes is left alone.
func awaitEnd(conn *net.UnixConn) error {
	packet := make([]byte, 1)
	for {
		if _, err := conn.Read(packet); err != nil {
			if errors.Is(err, io.EOF) {
				return errors.New("the sensor has ended the conversation")
			}
			return fmt.Errorf("waiting for the sensor: %w", err)
		}
	}
}
