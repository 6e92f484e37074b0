package l4

import "sync"

// bufferPool lends buffers of one size.
type bufferPool struct {
	size int
	pool sync.Pool
}

func (p *bufferPool) get() *[]byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, p.size)
	return &b
}

func (p *bufferPool) put(b *[]byte) { p.pool.Put(b) }

// The buffers of connections, those of them while memory is short, and those that hold any datagram.
var (
	smallBuffers    = &bufferPool{size: bufferSize}
	tinyBuffers     = &bufferPool{size: tinySize}
	datagramBuffers = &bufferPool{size: 64 << 10}
)
