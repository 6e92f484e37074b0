package h2

// Pool is the memory that the connections of one thread share: what a
// connection needs during a call alone, and what an idle one gives up. The zero
// value is ready for use.
type Pool struct {
	streams *Stream
	buffers [][]byte

	request  requestFields
	response responseFields
	trailer  trailerFields
	room     texts
}

// maxPooled is how many buffers are kept for further use.
const maxPooled = 64

// buffer returns an empty buffer that a frame fits into.
func (p *Pool) buffer() []byte {
	if n := len(p.buffers); n > 0 {
		b := p.buffers[n-1]
		p.buffers = p.buffers[:n-1]
		return b
	}
	return make([]byte, 0, frameHeader+maxFrame)
}

func (p *Pool) putBuffer(b []byte) {
	if len(p.buffers) < maxPooled && cap(b) <= maxBlock {
		p.buffers = append(p.buffers, b[:0])
	}
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
