package wire

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Outcome is what the peer made of one stream.
type Outcome struct {
	// Interim are the heads of 1xx responses, Fields is the final head.
	Interim  [][]hpack.HeaderField
	Fields   []hpack.HeaderField
	Body     []byte
	Trailers []hpack.HeaderField
	// Complete says that the response ended with END_STREAM.
	Complete bool
	// Reset and GoAway are the codes of the frame that ended the stream or the
	// connection.
	Reset, GoAway *http2.ErrCode
	// Err is why nothing more could be read: the connection's end, or a timeout.
	Err error
}

// Status is the final response's, and "" when there was none.
func (o Outcome) Status() string { return Get(o.Fields, ":status") }

// String says in one line how it went.
func (o Outcome) String() string {
	switch {
	case o.Reset != nil:
		return fmt.Sprintf("status %q, then RST_STREAM %v", o.Status(), *o.Reset)
	case o.GoAway != nil:
		return fmt.Sprintf("status %q, then GOAWAY %v", o.Status(), *o.GoAway)
	case o.Err != nil:
		return fmt.Sprintf("status %q, then %v", o.Status(), o.Err)
	}
	return fmt.Sprintf("status %q with %d bytes", o.Status(), len(o.Body))
}

// Response flushes, and reads until the stream ends in one way or another, or
// the time is up. Settings and pings are acknowledged on the way.
func (c *Conn) Response(stream uint32, within time.Duration) Outcome {
	return c.read(stream, within, func(o *Outcome) bool { return o.Complete })
}

// Head is Response for a stream that stays open: it returns after the head of
// the final response.
func (c *Conn) Head(stream uint32, within time.Duration) Outcome {
	return c.read(stream, within, func(o *Outcome) bool { return o.Fields != nil })
}

// Body reads on a stream that stays open, until want bytes have come or the
// stream has ended.
func (c *Conn) Body(stream uint32, want int, within time.Duration) Outcome {
	return c.read(stream, within, func(o *Outcome) bool { return o.Complete || len(o.Body) >= want })
}

// Responses is Response for several streams at once.
func (c *Conn) Responses(within time.Duration, streams ...uint32) []Outcome {
	outcomes := make([]Outcome, len(streams))
	c.readAll(within, streams, outcomes, func() bool {
		return !slices.ContainsFunc(outcomes, func(o Outcome) bool { return !o.over() })
	})
	return outcomes
}

// read collects the stream's frames until done says so.
func (c *Conn) read(stream uint32, within time.Duration, done func(*Outcome) bool) Outcome {
	o := make([]Outcome, 1)
	c.readAll(within, []uint32{stream}, o, func() bool { return o[0].over() || done(&o[0]) })
	return o[0]
}

// readAll collects the streams' frames until done says so, or nothing more can
// be read.
func (c *Conn) readAll(within time.Duration, streams []uint32, outcomes []Outcome, done func() bool) {
	err := c.SetDeadline(time.Now().Add(within))
	// What was refused half-way may still be explained by what can be read.
	flushed := c.Flush()
	for err == nil && !done() {
		var e event
		if e, err = c.event(); err != nil {
			break
		}
		for i, stream := range streams {
			if !outcomes[i].over() {
				outcomes[i].take(stream, e)
			}
		}
	}
	for i := range outcomes {
		if err != nil && !outcomes[i].over() {
			outcomes[i].Err = errors.Join(err, flushed)
		}
	}
}

// over says that nothing more can come of the stream.
func (o *Outcome) over() bool {
	return o.Complete || o.Reset != nil || o.GoAway != nil || o.Err != nil
}

// event is a frame; one of HEADERS comes with all fields of its block.
type event struct {
	http2.Frame
	fields []hpack.HeaderField
}

func (c *Conn) event() (e event, err error) {
	if e.Frame, err = c.Next(); err != nil {
		return e, err
	}
	if f, ok := e.Frame.(*http2.HeadersFrame); ok {
		// The table of the decoder follows every block, whosever it is.
		e.fields, err = c.fields(f)
	}
	return e, err
}

// Next reads one frame, and acknowledges it when the protocol wants that.
func (c *Conn) Next() (http2.Frame, error) {
	frame, err := c.Framer.ReadFrame()
	if err != nil {
		return nil, err
	}
	// A peer that has closed needs no acknowledgement, and what it said before
	// can still be read.
	_ = c.acknowledge(frame)
	return frame, nil
}

func (c *Conn) acknowledge(frame http2.Frame) error {
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			return nil
		}
		return errors.Join(f.ForeachSetting(c.keep), c.Framer.WriteSettingsAck(), c.Flush())
	case *http2.PingFrame:
		if !f.IsAck() {
			return errors.Join(c.Framer.WritePing(true, f.Data), c.Flush())
		}
	}
	return nil
}

func (c *Conn) keep(s http2.Setting) error {
	c.Settings[s.ID] = s.Val
	return nil
}

// take adds what a frame says of the stream.
func (o *Outcome) take(stream uint32, e event) {
	if f, ok := e.Frame.(*http2.GoAwayFrame); ok && (f.ErrCode != http2.ErrCodeNo || f.LastStreamID < stream) {
		code := f.ErrCode
		o.GoAway = &code
		return
	}
	if e.Header().StreamID != stream {
		return
	}
	switch f := e.Frame.(type) {
	case *http2.HeadersFrame:
		o.head(e.fields)
		o.Complete = f.StreamEnded()
	case *http2.RSTStreamFrame:
		code := f.ErrCode
		o.Reset = &code
	case *http2.DataFrame:
		o.Body = append(o.Body, f.Data()...)
		o.Complete = f.StreamEnded()
	}
}

// head files a header block as an interim response, the final one or trailers.
func (o *Outcome) head(fields []hpack.HeaderField) {
	switch status := Get(fields, ":status"); {
	case o.Fields != nil:
		o.Trailers = fields
	case len(status) == 3 && status[0] == '1':
		o.Interim = append(o.Interim, fields)
	default:
		o.Fields = fields
	}
}

// fields reads the rest of a header block and decodes it.
func (c *Conn) fields(first *http2.HeadersFrame) ([]hpack.HeaderField, error) {
	block := bytes.Clone(first.HeaderBlockFragment())
	for end := first.HeadersEnded(); !end; {
		frame, err := c.Framer.ReadFrame()
		if err != nil {
			return nil, err
		}
		next, ok := frame.(*http2.ContinuationFrame)
		if !ok {
			return nil, fmt.Errorf("%v within a header block", frame.Header())
		}
		block, end = append(block, next.HeaderBlockFragment()...), next.HeadersEnded()
	}
	return c.decoder.DecodeFull(block)
}
