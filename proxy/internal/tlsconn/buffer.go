package tlsconn

import "sync"

// The size that a buffer begins with, and the one past which its memory is not
// kept for others.
const (
	bufferBytes    = 4 << 10
	maxPooledBytes = 128 << 10
)

var memory = sync.Pool{New: func() any {
	b := make([]byte, 0, bufferBytes)
	return &b
}}

// buffer is a queue of bytes that holds memory only while it holds bytes. It
// carries ciphertext alone, so that what is left in the memory tells nothing to
// the next connection that borrows it.
type buffer struct {
	mem *[]byte
	off int
}

func (b *buffer) len() int { return len(b.bytes()) }

// bytes are valid until the next call of append or drop.
func (b *buffer) bytes() []byte {
	if b.mem == nil {
		return nil
	}
	return (*b.mem)[b.off:]
}

func (b *buffer) append(p []byte) {
	if len(p) == 0 {
		return
	}
	if b.mem == nil {
		b.mem = memory.Get().(*[]byte)
	}
	mem := *b.mem
	if b.off > 0 && len(mem)+len(p) > cap(mem) {
		mem = mem[:copy(mem, mem[b.off:])]
		b.off = 0
	}
	*b.mem = append(mem, p...)
}

// drop removes the first n bytes.
func (b *buffer) drop(n int) {
	b.off += n
	if b.mem != nil && b.off == len(*b.mem) {
		b.release()
	}
}

// release drops all.
func (b *buffer) release() {
	if b.mem != nil && cap(*b.mem) <= maxPooledBytes {
		*b.mem = (*b.mem)[:0]
		memory.Put(b.mem)
	}
	b.mem, b.off = nil, 0
}
