package extauth

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// The wire types of protobuf.
const (
	varint  = 0
	fixed64 = 1
	lengthy = 2
	fixed32 = 5
)

var errMessage = errors.New("the message is malformed")

func appendTag(out []byte, field, wire int) []byte {
	return binary.AppendUvarint(out, uint64(field)<<3|uint64(wire))
}

func appendVarint(out []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(appendTag(out, field, varint), v)
}

func appendBytes[T ~string | ~[]byte](out []byte, field int, v T) []byte {
	out = binary.AppendUvarint(appendTag(out, field, lengthy), uint64(len(v)))
	return append(out, v...)
}

// sizeBytes is what appendBytes appends of a value of n bytes, for field numbers
// below 16.
func sizeBytes(n int) int { return 1 + (bits.Len64(uint64(n)|1)+6)/7 + n }

// reader reads the fields of a message, one by one.
type reader struct {
	rest []byte
	// field is the number of the field that next has read. Its value is in bytes,
	// or in number.
	field  int
	bytes  []byte
	number uint64
	err    error
}

// next reads a field, and reports whether there was one.
func (r *reader) next() bool {
	if r.err != nil || len(r.rest) == 0 {
		return false
	}
	tag := r.uvarint()
	if tag>>3 == 0 || tag>>3 > 1<<29-1 {
		r.err = errMessage
	}
	r.field, r.bytes, r.number = int(tag>>3), nil, 0
	switch tag & 7 {
	case varint:
		r.number = r.uvarint()
	case fixed64:
		r.take(8)
	case fixed32:
		r.take(4)
	case lengthy:
		r.bytes = r.take(r.uvarint())
	default:
		r.err = errMessage
	}
	return r.err == nil
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.err, r.rest = errMessage, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.err, r.rest = errMessage, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}
