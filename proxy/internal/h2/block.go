package h2

import "encoding/binary"

// block is a header block that is being received. Its id is zero when there is
// none.
type block struct {
	id     uint32
	frames int
	end    bool
	// loop is whether the stream was said to depend on itself.
	loop  bool
	bytes []byte
}

func (c *Conn) headers(f *frame) *Error {
	if f.id == 0 {
		return errStreamID
	}
	p, err := f.unpad()
	if err != nil {
		return err
	}
	c.block = block{id: f.id, end: f.has(flagEndStream)}
	if f.has(flagPriority) {
		if len(p) < 5 {
			return errFrameSize
		}
		c.block.loop = binary.BigEndian.Uint32(p)&maxStream == f.id
		p = p[5:]
	}
	if f.has(flagEndHeaders) {
		return c.endBlock(p)
	}
	c.block.bytes = append(c.pool.buffer(len(p)), p...)
	c.expectedSince = c.now
	return nil
}

func (c *Conn) continuation(f *frame) *Error {
	if c.block.id == 0 {
		return errContinuation
	}
	if c.block.frames++; c.block.frames > maxContinuations {
		return errContinuations
	}
	if len(c.block.bytes)+len(f.payload) > maxBlock {
		return errBlock
	}
	c.block.bytes = c.pool.extend(c.block.bytes, f.payload)
	if f.has(flagEndHeaders) {
		return c.endBlock(c.block.bytes)
	}
	return nil
}

// endBlock takes the whole header block p.
func (c *Conn) endBlock(p []byte) *Error {
	b := c.block
	c.block = block{}
	err := c.section(&b, p)
	if b.bytes != nil {
		c.pool.putBuffer(b.bytes)
	}
	return err
}

// section takes what a header block may be: a request, a response or trailers.
func (c *Conn) section(b *block, p []byte) *Error {
	s := c.streams.find(b.id)
	switch {
	case s == nil && c.role == Server && b.id%2 == 1 && b.id > c.lastPeer:
		return c.accept(b, p)
	case s == nil:
		return c.sectionOnClosed(b, p)
	case s.remoteEnded:
		return c.reject(s, StreamClosed, p)
	case b.loop:
		return c.reject(s, ProtocolError, p)
	case !s.head:
		return c.responseHead(s, b, p)
	}
	return c.trailers(s, b, p)
}

// reject resets s after the header block p was read for the table's sake.
func (c *Conn) reject(s *Stream, code Code, p []byte) *Error {
	if err, _ := c.decode(p, nil); err != nil {
		return err
	}
	return c.refuse(s, code)
}

func (c *Conn) sectionOnClosed(b *block, p []byte) *Error {
	switch {
	case b.id%2 == 0:
		return errStreamID
	case c.idle(b.id):
		return errIdle
	case c.reset.has(b.id) || c.ignored(b.id):
		if err := c.chargeControl(); err != nil {
			return err
		}
		err, _ := c.decode(p, nil)
		return err
	case b.id > c.skipped && b.id < c.lastPeer:
		return errOrder
	}
	return errClosed
}

// fields takes the fields of a section; its error says why the section is
// malformed, which ends the stream.
type fields interface {
	field(name, value []byte) error
}

// decode reads a header block and gives its fields to to, which may be nil,
// until one is refused. The rest is read on for the table's sake.
func (c *Conn) decode(p []byte, to fields) (err *Error, malformed error) {
	c.decoder.begin()
	room := &c.pool.room
	total := 0
	for len(p) > 0 {
		f, ok, rest, err := c.decoder.next(p, room)
		if err != nil {
			return err, nil
		}
		p = rest
		if !ok {
			continue
		}
		if total += len(f.name) + len(f.value) + 32; total > maxDecoded {
			return errBlock, nil
		}
		if malformed == nil && to != nil {
			malformed = to.field(f.name, f.value)
		}
	}
	return nil, malformed
}
