package tlsconn

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"sync"
	"unsafe"
)

// recordBytes is room for the longest record (RFC 5246, section 6.2.3) with its
// header, and for what crypto/tls reserves behind it.
const recordBytes = recordHeaderBytes + 16384 + 2048 + bytes.MinRead

var recordMemory = sync.Pool{New: func() any { return new([recordBytes]byte) }}

// recordInput and handshakeInput are the buffers in which a tls.Conn gathers a
// record and a handshake message. It keeps them at their largest size for as
// long as it lives, which was measured as 30 KiB of an idle connection that had
// once sent 16 KiB. Between two records both are empty, and a connection can do
// without their memory.
//
// There is no call for this. The fields are found by name and type, and left
// alone where a release of Go has them no more; a test notices.
var (
	recordInput    = findBuffer("rawInput")
	handshakeInput = findBuffer("hand")
)

// bufferField is a field of tls.Conn that is a bytes.Buffer.
type bufferField struct {
	offset uintptr
	known  bool
}

func findBuffer(name string) bufferField {
	f, ok := reflect.TypeFor[tls.Conn]().FieldByName(name)
	return bufferField{f.Offset, ok && f.Type == reflect.TypeFor[bytes.Buffer]()}
}

// of returns the buffer, or nil. It is used between calls of c alone, by whoever
// makes them.
func (f bufferField) of(c *tls.Conn) *bytes.Buffer {
	if !f.known {
		return nil
	}
	return (*bytes.Buffer)(unsafe.Add(unsafe.Pointer(c), f.offset))
}

// borrowRecord gives c the memory for a record, unless it has some.
func borrowRecord(c *tls.Conn) {
	b := recordInput.of(c)
	if b == nil || b.Cap() > 0 {
		return
	}
	*b = *bytes.NewBuffer(recordMemory.Get().(*[recordBytes]byte)[:0])
}

// returnRecord takes back the memory of c's empty buffers. It is called where c
// holds neither a part of a record nor plaintext, which lies in the same memory.
func returnRecord(c *tls.Conn) {
	if b := recordInput.of(c); b != nil && b.Len() == 0 {
		b.Reset()
		if mem := b.AvailableBuffer(); cap(mem) == recordBytes {
			recordMemory.Put((*[recordBytes]byte)(mem[:recordBytes]))
		}
		*b = bytes.Buffer{}
	}
	if b := handshakeInput.of(c); b != nil && b.Len() == 0 {
		*b = bytes.Buffer{}
	}
}
