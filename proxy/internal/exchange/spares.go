package exchange

const (
	bufferSize    = 4 << 10
	maxBufferSize = 128 << 10
)

// spares are values that were used, to be used again.
type spares[T any] struct {
	idle []T
	// least is how few have been idle since the last sweep.
	least int
}

func (s *spares[T]) take() (v T, ok bool) {
	n := len(s.idle) - 1
	if n < 0 {
		return v, false
	}
	v, s.idle[n] = s.idle[n], v
	s.idle = s.idle[:n]
	s.least = min(s.least, n)
	return v, true
}

// last returns what take would, but does not take it.
func (s *spares[T]) last() (v T, ok bool) {
	if n := len(s.idle) - 1; n >= 0 {
		return s.idle[n], true
	}
	return v, false
}

func (s *spares[T]) put(v T) { s.idle = append(s.idle, v) }

// sweep lets go of those that were not needed since the last sweep, or of all.
func (s *spares[T]) sweep(all bool) {
	if all {
		*s = spares[T]{}
		return
	}
	rest := s.idle[:len(s.idle)-s.least]
	clear(s.idle[len(rest):])
	s.idle, s.least = rest, len(rest)
}

// Spares reports whether Sweep may have something to let go of that is not in use.
func (l *Loop) Spares() bool {
	return len(l.spare.idle)+len(l.buffers.idle)+len(l.streams.idle)+len(l.calls.idle) > 0
}

// buffer returns an empty buffer from those that were freed.
func (l *Loop) buffer() []byte {
	if b, ok := l.buffers.take(); ok {
		return b
	}
	return make([]byte, 0, bufferSize)
}

func (l *Loop) free(b []byte) {
	if cap(b) >= bufferSize && cap(b) <= maxBufferSize {
		l.buffers.put(b[:0])
	}
}

// Enlarge returns buf with room for n bytes more, and whether it had to move. One that
// is too small doubles, so that what growing leaves behind is never more than what is
// kept, and the memory that takes is seen.
func (l *Loop) Enlarge(buf []byte, n int) (larger []byte, moved bool) {
	need := len(buf) + n
	if need <= cap(buf) {
		return buf, false
	}
	larger = append(make([]byte, 0, max(need, 2*cap(buf))), buf...)
	l.Grow(cap(larger))
	return larger, true
}

// extend appends b to a buffer of the loop, which moves to one that was freed where
// that is large enough.
func (l *Loop) extend(buf, b []byte) []byte {
	n := len(buf) + len(b)
	if n <= cap(buf) {
		return append(buf, b...)
	}
	var larger []byte
	if spare, ok := l.buffers.last(); ok && cap(spare) >= n {
		larger, _ = l.buffers.take()
		larger = append(larger, buf...)
	} else {
		larger, _ = l.Enlarge(buf, len(b))
	}
	l.free(buf)
	return append(larger, b...)
}

func (l *Loop) exchange() *exchange {
	if x, ok := l.spare.take(); ok {
		return x
	}
	return new(exchange)
}

func (l *Loop) freeExchange(x *exchange) {
	l.free(x.buf)
	decoder := x.decoder
	decoder.Reset()
	*x = exchange{decoder: decoder}
	l.spare.put(x)
}
