package h2

// Pool is the memory that the connections of one thread share: what a
// connection needs during a call alone, and what an idle one gives up. The zero
// value is ready for use.
type Pool struct {
	streams      *Stream
	small, large [][]byte

	request  requestFields
	response responseFields
	trailer  trailerFields
	room     texts
}

const (
	// maxPooled is how many buffers of a size are kept for further use.
	maxPooled = 64
	// smallBuffer and largeBuffer are the sizes of buffers. A large one holds any
	// frame; who has sent little of one holds a small one.
	smallBuffer = 512
	largeBuffer = frameHeader + maxFrame
)

// buffer returns an empty buffer with room for n bytes, which are not more than
// a frame.
func (p *Pool) buffer(n int) []byte {
	if n <= smallBuffer {
		return takeBuffer(&p.small, smallBuffer)
	}
	return takeBuffer(&p.large, largeBuffer)
}

func takeBuffer(from *[][]byte, size int) []byte {
	if n := len(*from); n > 0 {
		b := (*from)[n-1]
		*from = (*from)[:n-1]
		return b
	}
	return make([]byte, 0, size)
}

// putBuffer takes a buffer back.
func (p *Pool) putBuffer(b []byte) {
	switch {
	case cap(b) == smallBuffer && len(p.small) < maxPooled:
		p.small = append(p.small, b[:0])
	case cap(b) >= largeBuffer && cap(b) <= maxBlock && len(p.large) < maxPooled:
		p.large = append(p.large, b[:0])
	}
}

// extend appends b to a buffer of the pool, which moves to a large one when it
// has become too long for its own.
func (p *Pool) extend(buffer, b []byte) []byte {
	if len(buffer)+len(b) > cap(buffer) && len(buffer)+len(b) <= largeBuffer {
		larger := append(p.buffer(largeBuffer), buffer...)
		p.putBuffer(buffer)
		buffer = larger
	}
	return append(buffer, b...)
}

func (p *Pool) stream() *Stream {
	s := p.streams
	if s == nil {
		return new(Stream)
	}
	p.streams = s.next
	return s
}

func (p *Pool) putStream(s *Stream) {
	*s = Stream{next: p.streams}
	p.streams = s
}
